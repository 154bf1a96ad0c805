/* Attention of one new token of each row over the keys and values of its row: rotary positions, the
new key and value into the cache, and the sum over the row's real length.

Layout. qkv: [rows, (query heads, key heads, value heads) x HEAD_DIM]. Keys and values: [slots, key
heads, capacity, HEAD_DIM]; as signed bytes when CACHE_8BIT, with one float16 scale a vector, [slots,
key heads, capacity]. Tables of cosines and signed sines: [capacity, HEAD_DIM]. The rest bfloat16.

A block of threads takes one key head of one row and one of gridDim.x parts of its keys:

    part 0             part 1             ...     the new token (part 0, warp 0)
    | w0 | w1 | w2 | w3 | w0 | ...                a warp takes UNROLL x SIDE keys at a time
      key 0: lanes 0 .. LANES - 1, eight elements each;  key 1: the next LANES lanes; ...

Each group of LANES lanes keeps its own maximum, sum and output (online softmax, Milakov and
Gimelshein 2018) for the GROUPS query heads that share the key head; they are put together at the
end: in the warp by shuffles, in the block and over parts through memory. The last block of a row and
head to finish adds up the parts (Flash-Decoding, Dao et al. 2023).

Defined by the compiler's options: HEAD_DIM GROUPS CACHE_8BIT. */

#include "common.cuh"

const int LANES = HEAD_DIM / 8, SIDE = 32 / LANES, WARPS = 4, UNROLL = GROUPS > 2 ? 4 : 8;

#if CACHE_8BIT
typedef signed char Element;
typedef uint2 Vector;
__device__ __forceinline__ void spread(const uint2 &v, float *to) {
  // A byte in the mantissa of 2^23 is 2^23 plus its value; the sign bit is flipped to count from 0.
  const u32 words[2] = {v.x ^ 0x80808080, v.y ^ 0x80808080};
#pragma unroll
  for (int i = 0; i < 8; i++) to[i] = __uint_as_float(__byte_perm(words[i / 4], 0x4B000000, 0x7440 | i % 4)) - 8388736.f;
}
#else
typedef u16 Element;
typedef uint4 Vector;
#endif

__device__ __forceinline__ float over_lanes(float value) {
#pragma unroll
  for (int o = LANES / 2; o; o >>= 1) value += __shfl_xor_sync(~0u, value, o);
  return value;
}
__device__ __forceinline__ void rotate(const u16 *head, const u16 *cos, const u16 *sin, int at, float *to) {
  float other[8], c[8], s[8];
  spread(read(head + at), to), spread(read(head + (at + HEAD_DIM / 2) % HEAD_DIM), other);
  spread(read(cos + at), c), spread(read(sin + at), s);
#pragma unroll
  for (int e = 0; e < 8; e++) to[e] = rounded(to[e] * c[e] + other[e] * s[e]);
}
/* The new vector into the cache; v becomes what later steps will read there. */
__device__ __forceinline__ void store(float *v, Element *to, u16 *scale) {
#if CACHE_8BIT
  float most = 0;
  for (int e = 0; e < 8; e++) most = fmaxf(most, fabsf(v[e]));
  for (int o = LANES / 2; o; o >>= 1) most = fmaxf(most, __shfl_xor_sync(~0u, most, o));
  const u16 bits = to_half(most / 127);
  const float unit = from_half(bits);
  u32 words[2] = {0, 0};
  for (int e = 0; e < 8; e++) {
    const int q = unit > 0 ? max(-127, min(127, __float2int_rn(v[e] / unit))) : 0;
    words[e / 4] |= (u32)(q & 255) << e % 4 * 8, v[e] = q * unit;
  }
  *(uint2 *)to = make_uint2(words[0], words[1]);
  *scale = bits;
#else
  *(uint4 *)to = packed(v);
#endif
}

struct Part {  // of a softmax: the largest score, sum of exponentials, and this lane's 8 outputs
  float most, sum, out[8];
  __device__ __forceinline__ void merge(float most2, float sum2, const float *out2) {
    const float top = fmaxf(most, most2), a = exp2f(most - top), b = exp2f(most2 - top);
    most = top, sum = sum * a + sum2 * b;
#pragma unroll
    for (int e = 0; e < 8; e++) out[e] = out[e] * a + out2[e] * b;
  }
};

extern "C" __global__ void __launch_bounds__(WARPS * 32) attention(
    const u16 *qkv, const long long *positions, const u16 *cos, const u16 *sin, Element *keys, Element *values,
    u16 *key_scales, u16 *value_scales, u16 *out, float *parts, u32 *finished, int first_row, int kv_heads, int capacity) {
  __shared__ float merged[WARPS][GROUPS][HEAD_DIM + 2];
  __shared__ bool is_last;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, at = lane % LANES * 8, side = lane / LANES;
  const int part = blockIdx.x, head = blockIdx.y, row = blockIdx.z, splits = gridDim.x;
  const int position = (int)positions[row];  // of the new token: so many keys are there already
  const size_t line = ((size_t)(first_row + row) * kv_heads + head) * capacity;
  const int step = WARPS * SIDE * UNROLL, each = ((position + splits - 1) / splits + step - 1) / step * step;
  const int begin = part * each + (warp * UNROLL * SIDE) + side, end = min(position, (part + 1) * each);
  Vector k[UNROLL], v[UNROLL];
  float key_unit[UNROLL], value_unit[UNROLL];
  auto fetch = [&](int from, Vector *to, float *unit, const Element *cache, const u16 *scales) {
    if (from - side >= end) return;
#pragma unroll
    for (int u = 0; u < UNROLL; u++) {
      const size_t key = line + min(from + u * SIDE, end - 1);
      to[u] = *(const Vector *)(cache + key * HEAD_DIM + at);
      if (CACHE_8BIT) unit[u] = from_half(scales[key]);
    }
  };
  fetch(begin, k, key_unit, keys, key_scales);  // written by steps before this one
  fetch(begin, v, value_unit, values, value_scales);
  wait_for_previous_kernel();

  const int heads = kv_heads * GROUPS;
  const u16 *token = qkv + (size_t)row * (heads + 2 * kv_heads) * HEAD_DIM;
  cos += (size_t)position * HEAD_DIM, sin += (size_t)position * HEAD_DIM;
  float q[GROUPS][8];
  Part sum[GROUPS];
#pragma unroll
  for (int g = 0; g < GROUPS; g++) {
    rotate(token + (head * GROUPS + g) * HEAD_DIM, cos, sin, at, q[g]);
    sum[g] = {-1e30f, 0};
#pragma unroll
    for (int e = 0; e < 8; e++) q[g][e] *= 1.44269504f * rsqrtf((float)HEAD_DIM);
  }
  if (part == 0 && warp == 0) {  // the new token itself
    float key[8], value[8];
    rotate(token + (heads + head) * HEAD_DIM, cos, sin, at, key);
    spread(read(token + (heads + kv_heads + head) * HEAD_DIM + at), value);
    const size_t place = line + position;
    store(key, keys + place * HEAD_DIM + at, key_scales + place);
    store(value, values + place * HEAD_DIM + at, value_scales + place);
#pragma unroll
    for (int g = 0; g < GROUPS; g++) {
      float score = 0;
      for (int e = 0; e < 8; e++) score += q[g][e] * key[e];
      score = over_lanes(score);
      if (side == 0) sum[g].merge(score, 1, value);
    }
  }
  for (int from = begin; from - side < end; from += step) {
    float score[GROUPS][UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++) {
      float key[8];
      spread(k[u], key);
#pragma unroll
      for (int g = 0; g < GROUPS; g++) {
        float dot = 0;
#pragma unroll
        for (int e = 0; e < 8; e++) dot += q[g][e] * key[e];
        dot = over_lanes(dot);
        score[g][u] = from + u * SIDE < end ? (CACHE_8BIT ? dot * key_unit[u] : dot) : -1e30f;
      }
    }
    fetch(from + step, k, key_unit, keys, key_scales);
#pragma unroll
    for (int g = 0; g < GROUPS; g++) {
      float top = sum[g].most;
#pragma unroll
      for (int u = 0; u < UNROLL; u++) top = fmaxf(top, score[g][u]);
      const float shrink = exp2f(sum[g].most - top);
      sum[g].most = top, sum[g].sum *= shrink;
#pragma unroll
      for (int e = 0; e < 8; e++) sum[g].out[e] *= shrink;
#pragma unroll
      for (int u = 0; u < UNROLL; u++) {
        const float p = score[g][u] > -1e30f ? exp2f(score[g][u] - top) : 0;
        sum[g].sum += p, score[g][u] = CACHE_8BIT ? p * value_unit[u] : p;
      }
    }
#pragma unroll
    for (int u = 0; u < UNROLL; u++) {
      float value[8];
      spread(v[u], value);
#pragma unroll
      for (int g = 0; g < GROUPS; g++)
#pragma unroll
        for (int e = 0; e < 8; e++) sum[g].out[e] += score[g][u] * value[e];
    }
    fetch(from + step, v, value_unit, values, value_scales);
  }
#pragma unroll
  for (int g = 0; g < GROUPS; g++) {
#pragma unroll
    for (int o = LANES; o < 32; o <<= 1) {
      Part other;
      other.most = __shfl_xor_sync(~0u, sum[g].most, o), other.sum = __shfl_xor_sync(~0u, sum[g].sum, o);
      for (int e = 0; e < 8; e++) other.out[e] = __shfl_xor_sync(~0u, sum[g].out[e], o);
      sum[g].merge(other.most, other.sum, other.out);
    }
    if (side == 0) {
      float *to = merged[warp][g];
      for (int e = 0; e < 8; e++) to[at + e] = sum[g].out[e];
      to[HEAD_DIM] = sum[g].most, to[HEAD_DIM + 1] = sum[g].sum;
    }
  }
  __syncthreads();
  const size_t group = ((size_t)row * kv_heads + head) * GROUPS;
  auto put_together = [&](const float *from, int count, size_t stride, int d, float &most, float &sum) {
    most = -1e30f, sum = 0;
    float value = 0;
    for (int i = 0; i < count; i++, from += stride) {
      const float top = fmaxf(most, from[HEAD_DIM]), a = exp2f(most - top), b = exp2f(from[HEAD_DIM] - top);
      value = value * a + from[d] * b, sum = sum * a + from[HEAD_DIM + 1] * b, most = top;
    }
    return value;
  };
  float most, total;
  for (int i = threadIdx.x; i < GROUPS * HEAD_DIM; i += WARPS * 32) {
    const int g = i / HEAD_DIM, d = i % HEAD_DIM;
    const float value = put_together(merged[0][g], WARPS, GROUPS * (HEAD_DIM + 2), d, most, total);
    if (splits == 1) out[group * HEAD_DIM + i] = to_bf16(value / total);
    else {
      float *to = parts + ((group + g) * splits + part) * (HEAD_DIM + 2);
      to[d] = value;
      if (d == 0) to[HEAD_DIM] = most, to[HEAD_DIM + 1] = total;
    }
  }
  if (splits == 1) return;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) is_last = atomicInc(finished + row * kv_heads + head, splits - 1) == splits - 1;
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  for (int i = threadIdx.x; i < GROUPS * HEAD_DIM; i += WARPS * 32) {
    const float *from = parts + (group + i / HEAD_DIM) * splits * (HEAD_DIM + 2);
    const float value = put_together(from, splits, HEAD_DIM + 2, i % HEAD_DIM, most, total);
    out[group * HEAD_DIM + i] = to_bf16(value / total);
  }
}
