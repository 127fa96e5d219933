// The loop backward: from the last step to the first.
//
// weights: as in gru_forward, but with each gate's matrix transposed and none halved. state_gradients: (batch,
// characters + 1, 2, HIDDEN). gradients: (batch, characters + 1, 2, GRADIENTS, HIDDEN), those of n, r and z before
// their activations and of the recurrent part of n.
extern "C" __global__ void __launch_bounds__(THREADS, 1) IN_CLUSTERS gru_backward(
    const uint4* weights, const uint2* factors, const element* state_gradients, const int* lengths,
    element* gradients, int batch, int characters) {
    constexpr int PITCH = GRADIENTS * HIDDEN + PAD;
    extern __shared__ uint4 shared[];
    element* buffers = reinterpret_cast<element*>(shared + WARPS * SHARED_TILES * GATES * 32);
    const int warp = warp_of_cluster(), group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4;
    const int last = longest(lengths, batch) - 1;
    if (last < 0) return;
    const Weights weight(weights, shared);
    Writer<GRADIENTS> writer(gradients, lengths, batch, characters + 1, PITCH, last);

    const int block = blockIdx.x / CLUSTER, blocks = gridDim.x / CLUSTER;
    factors += ((static_cast<long long>(blockIdx.y) * blocks + block) * characters + last)
        * (FACTORS * CLUSTER * THREADS) + thread_of_cluster();
    const Walk walks[2] = {{lengths, batch, 2 * pair}, {lengths, batch, 2 * pair + 1}};
    const element* own[2];
#pragma unroll
    for (int i = 0; i < 2; i++)
        own[i] = state_gradients + (walks[i].place(last, characters + 1) * 2 + blockIdx.y) * HIDDEN
            + warp * 16 + group;
    const int stride = walks[0].stride() * 2 * HIDDEN;
    uint2 of_step[FACTORS];
    element given[4];
    const auto fetch = [&](int step) {
#pragma unroll
        for (int i = 0; i < FACTORS; i++) of_step[i] = __ldcs(factors + i * CLUSTER * THREADS);
        factors -= FACTORS * CLUSTER * THREADS;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const bool inside = step < walks[i].length;
            given[i] = inside ? own[i][0] : 0;
            given[i + 2] = inside ? own[i][8] : 0;
            own[i] -= stride;
        }
    };

    float carried[4] = {0, 0, 0, 0};
    fetch(last);
    arrive();
    wait();  // the other block has begun
    for (int step = last; step >= 0; step--) {
        element* buffer = buffers + step % 2 * (ROWS * PITCH);
        float total[4];
#pragma unroll
        for (int i = 0; i < 4; i++) total[i] = carried[i] + number(given[i]);
#pragma unroll
        for (int i = FACTORS - 1; i >= 0; i--) {
            const float product[4] = {
                total[0] * first_of(of_step[i].x), total[1] * second_of(of_step[i].x),
                total[2] * first_of(of_step[i].y), total[3] * second_of(of_step[i].y)};
            if (i < GRADIENTS) {
                store_values(buffer + i * HIDDEN + warp * 16, PITCH, product, i > 0);
            } else {
#pragma unroll
                for (int j = 0; j < 4; j++) carried[j] = product[j];
            }
        }
        arrive();
        if (step > 0) fetch(step - 1);
        wait();

        float sums[4][4] = {};
#pragma unroll
        for (int k = 0; k < GATES * TILES - 1; k += 2) {
            two_elements values[4];
            load_values(values, buffer + HIDDEN + k * 16, PITCH);
            multiply(sums[k % 4], weight(k % TILES, k / TILES), values);
            multiply(sums[k % 4 + 1], weight((k + 1) % TILES, (k + 1) / TILES), values + 2);
        }
        if (GATES * TILES % 2) {
            two_elements values[2];
            load_values(values, buffer + (GRADIENTS * HIDDEN - 16), PITCH);
            multiply(sums[0], weight(TILES - 1, GATES - 1), values);
        }
        writer.write(buffer, step);
        writer.target -= writer.stride;
#pragma unroll
        for (int i = 0; i < 4; i++) carried[i] += (sums[0][i] + sums[1][i]) + (sums[2][i] + sums[3][i]);
    }
}
