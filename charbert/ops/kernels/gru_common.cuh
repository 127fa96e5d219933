// What both loops of a bidirectional GRU over characters share; gru_cuda.py puts it before each and compiles it.
//
// A cluster of CLUSTER blocks walks all steps of one direction for ROWS sequences; each block owns UNITS of the
// HIDDEN units, and a warp of it 16 units in all three gates, so that every value of a unit meets in one thread:
// thread (group, pair) of a warp, lane 4 group + pair, holds units group and group + 8 of sequences 2 pair and
// 2 pair + 1, four values in the order of a tile of the tensor cores. The recurrent weights stay on the
// multiprocessor for the whole loop, as many tiles as fit in registers, the rest in shared memory. The state is
// carried in fp32 registers; its 16-bit copy, which the product reads, lies in the shared memory of each block, where
// the other writes its units, in several buffers by turns. One barrier a step.
//
// The compiler's options give HIDDEN (units, a multiple of 16 CLUSTER), CLUSTER (1 or 2), ROWS (8, as the tensor cores
// have it), PAD (elements, so that the rows of shared memory start in different banks), BF16 (1: bf16, 0: fp16),
// REGISTER_TILES and SHARED_TILES (together the TILES tiles of a warp and gate).

#if BF16
#define ELEMENT "bf16"
#else
#define ELEMENT "f16"
#endif
#if CLUSTER > 1
#define IN_CLUSTERS __cluster_dims__(CLUSTER, 1, 1)
#else
#define IN_CLUSTERS
#endif

typedef unsigned short element;
typedef unsigned int two_elements;

constexpr int UNITS = HIDDEN / CLUSTER;
constexpr int TILES = HIDDEN / 16;
constexpr int WARPS = UNITS / 16;
constexpr int THREADS = 32 * WARPS;
constexpr int GATES = 3;
constexpr int FACTORS = 5;
constexpr int GRADIENTS = 4;

__device__ __forceinline__ two_elements packed(float first, float second) {
    two_elements result;
    asm("cvt.rn." ELEMENT "x2.f32 %0, %1, %2;" : "=r"(result) : "f"(second), "f"(first));
    return result;
}

__device__ __forceinline__ float number(unsigned bits) {
#if BF16
    return __uint_as_float(bits << 16);
#else
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(static_cast<element>(bits)));
    return result;
#endif
}

__device__ __forceinline__ float first_of(two_elements pair) { return number(pair & 0xffff); }
__device__ __forceinline__ float second_of(two_elements pair) { return number(pair >> 16); }

__device__ __forceinline__ float tanh_of(float x) {
    float result;
    asm("tanh.approx.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}

// Of twice x: the weights of the gates that need it are halved beforehand, which is exact.
__device__ __forceinline__ float sigmoid(float x) { return fmaf(tanh_of(x), 0.5f, 0.5f); }

// sum (16 units, 8 sequences) += weights (16, 16) times values (16, 8)
__device__ __forceinline__ void multiply(float (&sum)[4], const uint4& weights, const two_elements* values) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32." ELEMENT "." ELEMENT ".f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(weights.x), "r"(weights.y), "r"(weights.z), "r"(weights.w), "r"(values[0]), "r"(values[1]));
}

__device__ __forceinline__ unsigned address_of_lane(const element* rows, int pitch, int matrices) {
    const int lane = threadIdx.x % 32;
    return static_cast<unsigned>(
        __cvta_generic_to_shared(rows + lane % 8 * pitch + lane / 8 % matrices * 8));
}

// The values (16, 8) of one product, or those of two: columns 0 .. 15 or 0 .. 31 of the sequences' rows.
__device__ __forceinline__ void load_values(two_elements (&values)[2], const element* rows, int pitch) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(values[0]), "=r"(values[1]) : "r"(address_of_lane(rows, pitch, 2)) : "memory");
}

__device__ __forceinline__ void load_values(two_elements (&values)[4], const element* rows, int pitch) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(values[0]), "=r"(values[1]), "=r"(values[2]), "=r"(values[3])
                 : "r"(address_of_lane(rows, pitch, 4)) : "memory");
}

__device__ __forceinline__ two_elements transposed(two_elements matrix) {
    two_elements result;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(matrix));
    return result;
}

// The four values of each thread of a warp, a tile (16 units, 8 sequences), into the sequences' rows, here and, if
// `everywhere`, in the other block of the cluster.
__device__ __forceinline__ void store_values(element* rows, int pitch, const float (&values)[4], bool everywhere) {
    element* target = rows + threadIdx.x % 32 / 4 * pitch + threadIdx.x % 4 * 2;
    const two_elements upper = transposed(packed(values[0], values[1]));
    const two_elements lower = transposed(packed(values[2], values[3]));
    *reinterpret_cast<two_elements*>(target) = upper;
    *reinterpret_cast<two_elements*>(target + 8) = lower;
#if CLUSTER > 1
    if (!everywhere) return;
    unsigned address;
    asm("mapa.shared::cluster.u32 %0, %1, %2;"
        : "=r"(address) : "r"(static_cast<unsigned>(__cvta_generic_to_shared(target))), "r"(blockIdx.x % 2 ^ 1));
    asm volatile("st.shared::cluster.u32 [%0], %1;" :: "r"(address), "r"(upper) : "memory");
    asm volatile("st.shared::cluster.u32 [%0], %1;" :: "r"(address + 16), "r"(lower) : "memory");
#endif
}

// The barrier of a step, in two halves: what lies between them is done while waiting.
__device__ __forceinline__ void arrive() {
#if CLUSTER > 1
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
#endif
}

__device__ __forceinline__ void wait() {
#if CLUSTER > 1
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
#else
    __syncthreads();
#endif
}

// The place of this block in its cluster, of this warp among those of the cluster, and of this thread.
__device__ __forceinline__ int rank() { return blockIdx.x % CLUSTER; }
__device__ __forceinline__ int warp_of_cluster() { return rank() * WARPS + threadIdx.x / 32; }
__device__ __forceinline__ int thread_of_cluster() { return rank() * THREADS + threadIdx.x; }

// The weights of a warp: tile k of a gate as 16 bytes for each lane.
struct Weights {
    uint4 in_registers[REGISTER_TILES][GATES];
    const uint4* in_shared;

    __device__ __forceinline__ Weights(const uint4* all, uint4* shared) {
        const int lane = threadIdx.x % 32;
        all += (blockIdx.y * WARPS * CLUSTER + warp_of_cluster()) * (TILES * GATES * 32) + lane;
#pragma unroll
        for (int i = 0; i < REGISTER_TILES * GATES; i++) in_registers[i / GATES][i % GATES] = all[i * 32];
        shared += threadIdx.x / 32 * (SHARED_TILES * GATES * 32) + lane;
        for (int i = 0; i < SHARED_TILES * GATES; i++) shared[i * 32] = all[(REGISTER_TILES * GATES + i) * 32];
        in_shared = shared;
    }

    __device__ __forceinline__ uint4 operator()(int k, int gate) const {
        if (k < REGISTER_TILES) return in_registers[k][gate];
        return in_shared[((k - REGISTER_TILES) * GATES + gate) * 32];
    }
};

// A sequence and its walk: the backward direction begins at the last character.
struct Walk {
    int row, length;

    __device__ __forceinline__ Walk(const int* lengths, int batch, int sequence) {
        row = blockIdx.x / CLUSTER * ROWS + sequence;
        length = row < batch ? lengths[row] : 0;
    }

    // The place of a step in rows of `width` characters.
    __device__ __forceinline__ long long place(int step, int width) const {
        return static_cast<long long>(row) * width + (blockIdx.y ? length - 1 - step : step);
    }

    // From a step's place to that of the next.
    __device__ __forceinline__ int stride() const { return blockIdx.y ? -1 : 1; }
};

__device__ __forceinline__ int longest(const int* lengths, int batch) {
    int steps = 0;
    for (int i = 0; i < ROWS; i++) steps = max(steps, Walk(lengths, batch, i).length);
    return steps;
}

// Takes a block's units of PARTS x HIDDEN elements, step by step, from the sequences' rows in shared memory to device
// memory (batch, width, 2, PARTS, HIDDEN).
template <int PARTS>
struct Writer {
    static constexpr int THREADS_OF_A_ROW = THREADS / ROWS, THREADS_OF_A_PART = UNITS / 8;
    element* target;
    int length, stride, source;

    __device__ __forceinline__ Writer(element* out, const int* lengths, int batch, int width, int pitch, int step) {
        const int sequence = threadIdx.x / THREADS_OF_A_ROW, thread = threadIdx.x % THREADS_OF_A_ROW;
        const int part = thread / THREADS_OF_A_PART;
        const int column = part * HIDDEN + rank() * UNITS + thread % THREADS_OF_A_PART * 8;
        const Walk walk(lengths, batch, sequence);
        length = part < PARTS ? walk.length : 0;
        stride = walk.stride() * 2 * PARTS * HIDDEN;
        target = out + (walk.place(step, width) * 2 + blockIdx.y) * (PARTS * HIDDEN) + column;
        source = sequence * pitch + column;
    }

    __device__ __forceinline__ void write(const element* rows, int step) const {
        if (step < length) {
#pragma unroll
            for (int part = 0; part < PARTS; part += THREADS_OF_A_ROW / THREADS_OF_A_PART)
                *reinterpret_cast<uint4*>(target + part * HIDDEN) =
                    *reinterpret_cast<const uint4*>(rows + source + part * HIDDEN);
        }
        __syncwarp();
    }
};
