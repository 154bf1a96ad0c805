/* Short operations of a decode step.

    add_norm    x += d (the residual stream), then h = x / rms(x) * w; [rows, hidden], bfloat16
    largest     the COUNT largest scores of each row in order, of equals the smaller index first

A row of scores lies in the L2 cache, so `largest` reads it four times: three times to count the
numbers by 11, 11 and 10 bits of an order-preserving integer (radix select), which gives the
COUNT-th largest exactly, and once to collect. One block of threads a row.

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

__device__ __forceinline__ u32 ordered(float value) {  // integers in the order of the numbers
  const u32 bits = __float_as_uint(value);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

extern "C" __global__ void __launch_bounds__(1024) largest(const float *scores, float *best, long long *ids, int width) {
  __shared__ u32 bins[2048];
  __shared__ u64 found[COUNT];
  __shared__ u32 warp_sums[32], chosen, wanted, collected;
  const int thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
  wait_for_previous_kernel();
  scores += (size_t)blockIdx.x * width;
  u32 prefix = 0, mask = 0;
  if (thread == 0) wanted = min(COUNT, width), collected = 0;
  for (int shift = 21; ; shift = shift == 21 ? 10 : 0) {
    for (int i = thread; i < 2048; i += 1024) bins[i] = 0;
    __syncthreads();
    for (int i = thread; i < width; i += 1024) {
      const u32 key = ordered(scores[i]);
      if ((key & mask) == prefix) atomicAdd(&bins[key >> shift & 2047], 1);
    }
    __syncthreads();
    // Thread i owns bins 2047 - 2i and 2046 - 2i: a running sum from the top.
    const u32 upper = bins[2047 - 2 * thread], own = upper + bins[2046 - 2 * thread];
    u32 sum = own;
    for (int o = 1; o < 32; o <<= 1) {
      const u32 other = __shfl_up_sync(~0u, sum, o);
      if (lane >= o) sum += other;
    }
    if (lane == 31) warp_sums[warp] = sum;
    __syncthreads();
    for (int i = 0; i < warp; i++) sum += warp_sums[i];
    const u32 before = sum - own, need = wanted;
    __syncthreads();
    if (before < need && need <= sum) {
      const bool in_upper = need <= before + upper;
      chosen = in_upper ? 2047 - 2 * thread : 2046 - 2 * thread;
      wanted = need - before - (in_upper ? 0 : upper);
    }
    __syncthreads();
    // The last digit has ten bits; its mask covers eleven, the upper one known already.
    prefix |= chosen << shift, mask |= 2047u << shift;
    if (shift == 0) break;
  }
  // prefix is the COUNT-th largest; `wanted` of those equal to it belong to the result.
  for (int i = thread; i < width; i += 1024) {
    const u32 key = ordered(scores[i]);
    if (key > prefix) found[atomicAdd(&collected, 1)] = (u64)key << 32 | ~(u32)i;
  }
  __syncthreads();
  u32 count = collected, left = wanted;
  for (int from = 0; left && from < width; from += 1024) {  // equals in the order of their index
    const int i = from + thread;
    const bool equal = i < width && ordered(scores[i]) == prefix;
    const u32 votes = __ballot_sync(~0u, equal);
    if (lane == 0) warp_sums[warp] = __popc(votes);
    __syncthreads();
    u32 place = __popc(votes & ((1u << lane) - 1)), all = 0;
    for (int w = 0; w < 32; w++) place += w < warp ? warp_sums[w] : 0, all += warp_sums[w];
    if (equal && place < left) found[count + place] = (u64)prefix << 32 | ~(u32)i;
    count += min(all, left), left -= min(all, left);
    __syncthreads();
  }
  for (int i = count + thread; i < COUNT; i += 1024) found[i] = 0;
  for (int size = 2; size <= COUNT; size <<= 1)  // bitonic sort, largest first
    for (int gap = size >> 1; gap; gap >>= 1) {
      __syncthreads();
      const int other = thread ^ gap;
      if (thread < COUNT && other > thread) {
        const u64 a = found[thread], b = found[other];
        if ((a < b) == ((thread & size) == 0)) found[thread] = b, found[other] = a;
      }
    }
  __syncthreads();
  if (thread < min(COUNT, width)) {
    const int i = (int)~(u32)found[thread];
    best[blockIdx.x * min(COUNT, width) + thread] = scores[i];
    ids[blockIdx.x * min(COUNT, width) + thread] = i;
  }
}
