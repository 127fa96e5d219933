// The loop forward.
//
// weights: (2, TILES, TILES, GATES, 32 lanes, 8), by warp and tile, those of r and z halved. bias: (2, HIDDEN), the
// hidden bias of n. table: (2, vocabulary, TILES, 8 groups, 8), what a character adds to the gates r, z (halved) and
// n of units group and group + 8 of a warp, in this order. entries: (2, characters + 2, blocks, ROWS), where the
// character of a step begins in the table, in 16 bytes. states: (batch, characters + 1, 2, HIDDEN). factors, unless
// null: (2, blocks, characters, FACTORS, CLUSTER, THREADS, 4): what turns the gradient of a state into those of n, r
// and z before their activations, of the recurrent part of n, and of the state before.
extern "C" __global__ void __launch_bounds__(THREADS, 1) IN_CLUSTERS gru_forward(
    const uint4* weights, const float* bias, const uint4* table, const int2* entries, const int* lengths,
    element* states, uint2* factors, int batch, int characters, int vocabulary) {
    constexpr int PITCH = HIDDEN + PAD;
    extern __shared__ uint4 shared[];
    element* buffers = reinterpret_cast<element*>(shared + WARPS * SHARED_TILES * GATES * 32);
    const int warp = warp_of_cluster(), group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4;
    const int block = blockIdx.x / CLUSTER, blocks = gridDim.x / CLUSTER;
    const int steps = longest(lengths, batch);
    if (steps == 0) return;
    const Weights weight(weights, shared);
    Writer<1> writer(states, lengths, batch, characters + 1, PITCH, 0);

    table += (static_cast<long long>(blockIdx.y) * vocabulary * TILES + warp) * 8 + group;
    entries += (static_cast<long long>(blockIdx.y) * (characters + 2) * blocks + block) * (ROWS / 2) + pair;
    const int entries_of_a_step = blocks * (ROWS / 2);
    int2 entry = __ldg(entries);
    uint4 added[2] = {__ldg(table + entry.x), __ldg(table + entry.y)};
    entries += entries_of_a_step;
    entry = __ldg(entries);
    const float bias_upper = bias[blockIdx.y * HIDDEN + warp * 16 + group];
    const float bias_lower = bias[blockIdx.y * HIDDEN + warp * 16 + group + 8];
    const bool save = factors != nullptr;
    factors += (static_cast<long long>(blockIdx.y) * blocks + block) * characters * (FACTORS * CLUSTER * THREADS)
        + thread_of_cluster();

    float state[4] = {0, 0, 0, 0};
    // While a step is still being written out, another block may already fill the buffer after the next one.
    element *before = buffers, *after = before + ROWS * PITCH, *spare = after + ROWS * PITCH;
    arrive();
    wait();  // the other block has begun
    store_values(before + warp * 16, PITCH, state, true);
    arrive();
    for (int step = 0; step < steps; step++) {
        wait();
        float reset[4] = {0, 0, 0, 0}, update[4] = {0, 0, 0, 0};
        float recurrent[4] = {bias_upper, bias_upper, bias_lower, bias_lower};
#pragma unroll
        for (int k = 0; k < TILES - 1; k += 2) {
            two_elements values[4];
            load_values(values, before + k * 16, PITCH);
#pragma unroll
            for (int i = 0; i < 2; i++) {
                multiply(reset, weight(k + i, 0), values + 2 * i);
                multiply(update, weight(k + i, 1), values + 2 * i);
                multiply(recurrent, weight(k + i, 2), values + 2 * i);
            }
        }
        if (TILES % 2) {
            two_elements values[2];
            load_values(values, before + (TILES - 1) * 16, PITCH);
            multiply(reset, weight(TILES - 1, 0), values);
            multiply(update, weight(TILES - 1, 1), values);
            multiply(recurrent, weight(TILES - 1, 2), values);
        }

        float r[4], z[4], n[4], difference[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const uint4& from = added[i % 2];
            r[i] = sigmoid(reset[i] + (i < 2 ? first_of(from.x) : second_of(from.x)));
            z[i] = sigmoid(update[i] + (i < 2 ? first_of(from.y) : second_of(from.y)));
            n[i] = tanh_of(fmaf(r[i], recurrent[i], i < 2 ? first_of(from.z) : second_of(from.z)));
            difference[i] = state[i] - n[i];
            state[i] = fmaf(z[i], difference[i], n[i]);
        }
        store_values(after + warp * 16, PITCH, state, true);
        arrive();
        added[0] = __ldg(table + entry.x);
        added[1] = __ldg(table + entry.y);
        entries += entries_of_a_step;
        entry = __ldg(entries);
        if (step > 0) {
            writer.write(before, step - 1);
            writer.target += writer.stride;
        }
        if (save) {
            float of_step[FACTORS][4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                of_step[0][i] = (1 - z[i]) * (1 - n[i] * n[i]);
                of_step[3][i] = of_step[0][i] * r[i];
                of_step[1][i] = of_step[3][i] * recurrent[i] * (1 - r[i]);
                of_step[2][i] = difference[i] * z[i] * (1 - z[i]);
                of_step[4][i] = z[i];
            }
#pragma unroll
            for (int i = 0; i < FACTORS; i++)
                factors[i * CLUSTER * THREADS] =
                    make_uint2(packed(of_step[i][0], of_step[i][1]), packed(of_step[i][2], of_step[i][3]));
            factors += FACTORS * CLUSTER * THREADS;
        }
        element* const written = before;
        before = after;
        after = spare;
        spare = written;
    }
    wait();
    writer.write(before, steps - 1);
}
