/* Numbers of 16 bits without headers, and the wait for the kernel before. */

#pragma once

typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned long long u64;

/* On Hopper a kernel may start while the one before it in the stream ends: what others write may be
   touched from here on only. All kernels let their successor start here and not before, so whatever
   was written two kernels ago is there even earlier. */
__device__ __forceinline__ void wait_for_previous_kernel() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}
__device__ __forceinline__ u16 to_bf16(float value) {
  u16 bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
__device__ __forceinline__ float rounded(float value) { return __uint_as_float((u32)to_bf16(value) << 16); }
__device__ __forceinline__ float from_half(u16 bits) {
  float value;
  asm("{ .reg .f16 h; mov.b16 h, %1; cvt.f32.f16 %0, h; }" : "=f"(value) : "h"(bits));
  return value;
}
__device__ __forceinline__ u16 to_half(float value) {
  u16 bits;
  asm("{ .reg .f16 h; cvt.rn.f16.f32 h, %1; mov.b16 %0, h; }" : "=h"(bits) : "f"(value));
  return bits;
}
__device__ __forceinline__ void spread(const uint4 &v, float *to) {  // eight bfloat16
  const u32 words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int i = 0; i < 4; i++) to[2 * i] = __uint_as_float(words[i] << 16), to[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000);
}
__device__ __forceinline__ uint4 packed(const float *v) {
  u32 words[4];
#pragma unroll
  for (int i = 0; i < 4; i++) words[i] = to_bf16(v[2 * i]) | (u32)to_bf16(v[2 * i + 1]) << 16;
  return make_uint4(words[0], words[1], words[2], words[3]);
}
__device__ __forceinline__ uint4 read(const u16 *from) { return *(const uint4 *)from; }

