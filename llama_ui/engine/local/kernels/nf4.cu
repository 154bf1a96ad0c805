/* Products of NF4 weights with bfloat16 activations: y[m, n] = sum over k of w[n, k] x[m, k].

Layout of the weights. A tile is 16 rows of w; a block is 64 columns, the weights that share a
scale. In memory: [rows / 16 tiles][columns / 64 blocks][32 lanes][16 bytes], so that a warp reads
a block of a tile as 512 bytes in a row. Lane 4 g + t holds rows g and g + 8 of the tile, columns
16 t to 16 t + 15 of the block. Its bytes, two weights each (the first in the high half):

    byte 4 s + 2 h + r   ->   row g + 8 r, columns 16 t + 4 s + 2 h and + 1     s < 4; h, r < 2

       columns    0      16      32      48     64
       row g      | t=0   | t=1   | t=2   | t=3   |     four steps s of four columns a lane;
       row g + 8  | t=0   | t=1   | t=2   | t=3   |     each step is one mma.m16n8k16

A tensor core multiplies 16 x 16 by 16 x 8. Which 16 columns make a step is free as long as weights
and activations agree; with this choice the four bytes of a step are, in order, the four registers
of its operand A, and a lane's activations are 32 bytes in a row of x.

Scales: float16, [tiles][blocks][8] pairs (row g, row g + 8), times `unit`, one number a matrix.
They multiply the float32 sum of each block.

One byte becomes two bfloat16 by a table of 256 words, held once for every lane (32 KB of shared
memory): lane i reads bank i only, so 32 lanes never wait for each other. That makes four bits as
cheap as one load for two weights; arithmetic on the bits would take six times as long.

Work: a block of threads has WARPS_N warps over tiles (ROW_TILES each) and WARPS_K over columns;
those add up in shared memory at the end. Each warp copies its weights asynchronously, STAGES
groups of four blocks deep, and needs no other warp for that. COLUMN_TILES x 8 rows of x at a time;
blockIdx.y counts further ones. Up to three matrices stand one behind another (query, key, value).
PAIRED: each warp has the same tile of two matrices, gate and up, and writes silu(gate) * up.

Defined by the compiler's options: WARPS_N WARPS_K ROW_TILES COLUMN_TILES STAGES PAIRED. */

#include "common.cuh"

const int GROUP = 4;                                // blocks a stage
const int STAGE_WORDS = ROW_TILES * GROUP * (128 + 8);  // weights, scales
const int WARPS = WARPS_N * WARPS_K;

template <int BYTES>
__device__ __forceinline__ void copy_async(u32 *to, const void *from) {
  u32 at = (u32)__cvta_generic_to_shared(to);
  if (BYTES == 16) asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(at), "l"(from));
  else asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(at), "l"(from));
}

__device__ __forceinline__ void multiply_add(float *c, const u32 *a, u32 b0, u32 b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

struct Activations {  // 16 columns of one row of x for each of COLUMN_TILES
  uint4 half[COLUMN_TILES][2];

  __device__ __forceinline__ void load(const u16 *const *rows, int block) {
#pragma unroll
    for (int n = 0; n < COLUMN_TILES; n++) {
      half[n][0] = half[n][1] = make_uint4(0, 0, 0, 0);
      if (rows[n]) {
        const uint4 *from = (const uint4 *)(rows[n] + block * 64);
        half[n][0] = from[0], half[n][1] = from[1];
      }
    }
  }
  __device__ __forceinline__ u32 word(int n, int i) const {
    const uint4 &v = half[n][i >> 2];
    return (i & 3) == 0 ? v.x : (i & 3) == 1 ? v.y : (i & 3) == 2 ? v.z : v.w;
  }
};

extern "C" __global__ void __launch_bounds__(WARPS * 32) nf4_product(
    const uint4 *w0, const uint4 *w1, const uint4 *w2, const u32 *s0, const u32 *s1, const u32 *s2,
    float unit0, float unit1, float unit2, int end0, int end1, int end2,  // tiles, running sums
    const u32 *table, const u16 *x, u16 *y, int rows, int blocks) {
  extern __shared__ uint4 shared[];
  u32 *lookup = (u32 *)shared;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  const int along_n = warp % WARPS_N, along_k = warp / WARPS_N;
  u32 *ring = lookup + 8192 + warp * STAGES * STAGE_WORDS;
  const int groups = (blocks + GROUP - 1) / GROUP;
  const int first = groups * along_k / WARPS_K, last = groups * (along_k + 1) / WARPS_K;

  const int tile = (blockIdx.x * WARPS_N + along_n) * (PAIRED ? 1 : ROW_TILES);
  const uint4 *weights[ROW_TILES];
  const u32 *scales[ROW_TILES];
  float unit[ROW_TILES];
#pragma unroll
  for (int r = 0; r < ROW_TILES; r++) {
    int at = PAIRED ? tile : tile + r;
    bool second = PAIRED ? r == 1 : at >= end0, third = !PAIRED && at >= end1;
    if (!PAIRED) at -= third ? end1 : second ? end0 : 0;
    unit[r] = third ? unit2 : second ? unit1 : unit0;
    weights[r] = (third ? w2 : second ? w1 : w0) + (size_t)at * blocks * 32 + lane;
    scales[r] = (third ? s2 : second ? s1 : s0) + (size_t)at * blocks * 8 + lane;
  }

  auto fetch = [&](int group) {
    u32 *stage = ring + group % STAGES * STAGE_WORDS;
    if (group < last) {
#pragma unroll
      for (int r = 0; r < ROW_TILES; r++) {
#pragma unroll
        for (int j = 0; j < GROUP; j++)
          if (group * GROUP + j < blocks)
            copy_async<16>(stage + (r * GROUP + j) * 128 + lane * 4, weights[r] + (group * GROUP + j) * 32);
        if (group * GROUP + g / 2 < blocks)
          copy_async<4>(stage + ROW_TILES * GROUP * 128 + r * 32 + lane, scales[r] + group * 32);
      }
    }
    asm volatile("cp.async.commit_group;");
  };
#pragma unroll
  for (int i = 0; i < STAGES - 1; i++) fetch(first + i);
  for (int i = warp; i < 8; i += WARPS) {
    u32 entry = table[i * 32 + lane];
#pragma unroll 8
    for (int j = 0; j < 32; j++) lookup[(i * 32 + j) * 32 + lane] = __shfl_sync(~0u, entry, j);
  }
  __syncthreads();
  wait_for_previous_kernel();  // weights and table are never written; x may be, until here

  const int row0 = blockIdx.y * COLUMN_TILES * 8;
  const u16 *mine[COLUMN_TILES];
#pragma unroll
  for (int n = 0; n < COLUMN_TILES; n++) {
    int row = row0 + n * 8 + g;
    mine[n] = row < rows ? x + (size_t)row * blocks * 64 + 16 * t : 0;
  }
  float sum[ROW_TILES][COLUMN_TILES][4] = {};
  Activations now, next;
  now.load(mine, first * GROUP);
  const char *mine_in_table = (const char *)(lookup + lane);
  for (int group = first; group < last; group++) {
    asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
    __syncwarp();  // the stage has arrived for all lanes, and all have left the one before it
    fetch(group + STAGES - 1);
    const u32 *stage = ring + group % STAGES * STAGE_WORDS;
#pragma unroll
    for (int j = 0; j < GROUP; j++) {
      const int block = group * GROUP + j;
      if (block >= blocks) break;
      if (block + 1 < blocks) next.load(mine, block + 1);
#pragma unroll
      for (int r = 0; r < ROW_TILES; r++) {
        const uint4 packed = *(const uint4 *)(stage + (r * GROUP + j) * 128 + lane * 4);
        const u32 words[4] = {packed.x, packed.y, packed.z, packed.w};
        float part[COLUMN_TILES][4] = {};
#pragma unroll
        for (int s = 0; s < 4; s++) {
          u32 a[4];  // byte * 32 lanes * 4 bytes
          a[0] = *(const u32 *)(mine_in_table + (words[s] << 7 & 0x7f80));
          a[1] = *(const u32 *)(mine_in_table + (words[s] >> 1 & 0x7f80));
          a[2] = *(const u32 *)(mine_in_table + (words[s] >> 9 & 0x7f80));
          a[3] = *(const u32 *)(mine_in_table + (words[s] >> 17 & 0x7f80));
#pragma unroll
          for (int n = 0; n < COLUMN_TILES; n++)
            multiply_add(part[n], a, now.word(n, 2 * s), now.word(n, 2 * s + 1));
        }
        const u32 pair = stage[ROW_TILES * GROUP * 128 + r * 32 + j * 8 + g];
        const float upper = from_half(pair & 0xffff), lower = from_half(pair >> 16);
#pragma unroll
        for (int n = 0; n < COLUMN_TILES; n++)
#pragma unroll
          for (int c = 0; c < 4; c++) sum[r][n][c] += (c < 2 ? upper : lower) * part[n][c];
      }
      now = next;
    }
  }

  if (WARPS_K > 1) {
    asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
    float *sums = (float *)(lookup + 8192);
    const int each = ROW_TILES * COLUMN_TILES * 128;
    if (along_k)
#pragma unroll
      for (int i = 0; i < each / 32; i++)
        sums[((along_k - 1) * WARPS_N + along_n) * each + i * 32 + lane] = (&sum[0][0][0])[i];
    __syncthreads();
    if (along_k) return;
    for (int k = 0; k < WARPS_K - 1; k++)
#pragma unroll
      for (int i = 0; i < each / 32; i++)
        (&sum[0][0][0])[i] += sums[(k * WARPS_N + along_n) * each + i * 32 + lane];
  }
  const int width = (PAIRED ? end0 : end2) * 16;
#pragma unroll
  for (int r = 0; r < (PAIRED ? 1 : ROW_TILES); r++)
#pragma unroll
    for (int n = 0; n < COLUMN_TILES; n++)
#pragma unroll
      for (int c = 0; c < 4; c++) {
        const int row = row0 + n * 8 + 2 * t + (c & 1), column = (tile + r) * 16 + g + (c >> 1) * 8;
        float value = sum[r][n][c] * unit[r];
        if (PAIRED) value = value / (1 + __expf(-value)) * (sum[ROW_TILES - 1][n][c] * unit[ROW_TILES - 1]);
        if (row < rows) y[(size_t)row * width + column] = to_bf16(value);
      }
}

/* The weights themselves in bfloat16, [16 * gridDim.x, 64 * blocks], for products of many rows. */
extern "C" __global__ void nf4_unpack(const uint4 *w, const u32 *s, float unit, const float *code, u16 *to,
                                      int first_tile, int blocks) {
  __shared__ float value[16];
  if (threadIdx.x < 16) value[threadIdx.x] = code[threadIdx.x];
  __syncthreads();
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  for (int block = threadIdx.x >> 5; block < blocks; block += blockDim.x >> 5) {
    const size_t at = (size_t)(first_tile + blockIdx.x) * blocks + block;
    const uint4 packed = w[at * 32 + lane];
    const u32 words[4] = {packed.x, packed.y, packed.z, packed.w};
    const u32 pair = s[at * 8 + g];
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const float scale = from_half(r ? pair >> 16 : pair & 0xffff) * unit;
      u32 out[8];
#pragma unroll
      for (int i = 0; i < 8; i++) {
        const u32 byte = words[i / 2] >> (i % 2 * 16 + r * 8) & 255;
        out[i] = to_bf16(value[byte >> 4] * scale) | (u32)to_bf16(value[byte & 15] * scale) << 16;
      }
      uint4 *row = (uint4 *)(to + ((size_t)blockIdx.x * 16 + g + 8 * r) * blocks * 64 + block * 64 + 16 * t);
      row[0] = make_uint4(out[0], out[1], out[2], out[3]);
      row[1] = make_uint4(out[4], out[5], out[6], out[7]);
    }
  }
}
