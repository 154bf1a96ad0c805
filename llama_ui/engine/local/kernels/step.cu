/* Short operations of a decode step.

    add_norm    x += d (the residual stream), then h = x / rms(x) * w; [rows, hidden], bfloat16
    largest     the COUNT largest scores of each row in order, of equals the smaller index first

For `largest` one block of threads takes a row: the COUNT-th largest of its threads' own maxima is a
lower bound of the result, and few scores reach it; those are collected and sorted. Where too many
do (equal scores), halving finds the COUNT-th largest exactly first.

Defined by the compiler's option: COUNT, a power of two. */

#include "common.cuh"

/* One block of threads a row; at most 4 x 8 elements a thread. d may be null: nothing to add. */
extern "C" __global__ void add_norm(u16 *x, const u16 *d, const u16 *w, u16 *h, int hidden, float eps) {
  __shared__ float sums[32];
  wait_for_previous_kernel();
  const size_t row = (size_t)blockIdx.x * hidden;
  float v[4][8], sum = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int at = (i * blockDim.x + threadIdx.x) * 8;
    if (at >= hidden) break;
    spread(read(x + row + at), v[i]);
    if (d) {
      float added[8];
      spread(read(d + row + at), added);
      for (int e = 0; e < 8; e++) v[i][e] = rounded(v[i][e] + added[e]);
      *(uint4 *)(x + row + at) = packed(v[i]);
    }
    for (int e = 0; e < 8; e++) sum += v[i][e] * v[i][e];
  }
  for (int o = 16; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0;
  for (int i = 0; i < blockDim.x / 32; i++) sum += sums[i];
  const float scale = rsqrtf(sum / hidden + eps);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int at = (i * blockDim.x + threadIdx.x) * 8;
    if (at >= hidden) break;
    float weight[8];
    spread(read(w + at), weight);
    for (int e = 0; e < 8; e++) v[i][e] *= scale * weight[e];
    *(uint4 *)(h + row + at) = packed(v[i]);
  }
}

__device__ __forceinline__ u32 ordered(float value) {  // integers in their order, NaN the largest
  const u32 bits = __float_as_uint(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0xffffffffu;
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* Sort the first `size` (a power of two) of shared memory, largest first. */
__device__ __forceinline__ void sort(u64 *keys, int size) {
  const int thread = threadIdx.x;
  for (int run = 2; run <= size; run <<= 1)
    for (int gap = run >> 1; gap; gap >>= 1) {
      __syncthreads();
      const int other = thread ^ gap;
      if (thread < size && other > thread) {
        const u64 a = keys[thread], b = keys[other];
        if ((a < b) == ((thread & run) == 0)) keys[thread] = b, keys[other] = a;
      }
    }
  __syncthreads();
}

const int THREADS = 1024;

extern "C" __global__ void __launch_bounds__(THREADS) largest(const float *scores, float *best, long long *ids, int width) {
  __shared__ u64 found[THREADS];
  __shared__ u32 sums[32], collected;
  const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5, count = min(COUNT, width);
  wait_for_previous_kernel();
  scores += (size_t)blockIdx.x * width;
  u32 most = 0;
#pragma unroll 8
  for (int i = thread; i < width; i += THREADS) most = max(most, ordered(scores[i]));
  found[thread] = most;
  if (thread == 0) collected = 0;
  sort(found, THREADS);
  u32 bound = (u32)found[count - 1];
  __syncthreads();
#pragma unroll 8
  for (int i = thread; i < width; i += THREADS) {
    const u32 key = ordered(scores[i]);
    if (key >= bound) {
      const u32 place = atomicAdd(&collected, 1);
      if (place < THREADS) found[place] = (u64)key << 32 | ~(u32)i;
    }
  }
  __syncthreads();
  u32 total = collected;
  if (total > THREADS) {
    u32 high = 0xffffffffu;
    while (bound < high) {  // at least `count` scores reach bound, fewer exceed high
      const u32 middle = bound + (high - bound) / 2 + 1;
      u32 reach = 0;
      for (int i = thread; i < width; i += THREADS) reach += ordered(scores[i]) >= middle;
      reach = __reduce_add_sync(~0u, reach);
      __syncthreads();
      if (lane == 0) sums[warp] = reach;
      __syncthreads();
      reach = __reduce_add_sync(~0u, sums[lane]);
      if (reach >= count) bound = middle; else high = middle - 1;
    }
    if (thread == 0) collected = 0;
    __syncthreads();
    for (int i = thread; i < width; i += THREADS)
      if (ordered(scores[i]) > bound) found[atomicAdd(&collected, 1)] = (u64)ordered(scores[i]) << 32 | ~(u32)i;
    __syncthreads();
    total = collected;
    for (int from = 0; total < count && from < width; from += THREADS) {  // equals by their index
      const bool equal = from + thread < width && ordered(scores[from + thread]) == bound;
      const u32 votes = __ballot_sync(~0u, equal);
      if (lane == 0) sums[warp] = __popc(votes);
      __syncthreads();
      const u32 before = __reduce_add_sync(~0u, lane < warp ? sums[lane] : 0);
      const u32 place = total + before + __popc(votes & ((1u << lane) - 1));
      if (equal && place < count) found[place] = (u64)bound << 32 | ~(u32)(from + thread);
      total += __reduce_add_sync(~0u, sums[lane]);
      __syncthreads();
    }
    total = count;
  }
  int size = COUNT;
  while (size < total) size <<= 1;
  for (int i = total + thread; i < size; i += THREADS) found[i] = 0;
  sort(found, size);
  if (thread < count) {
    const int i = (int)~(u32)found[thread];
    best[blockIdx.x * count + thread] = scores[i];
    ids[blockIdx.x * count + thread] = i;
  }
}
