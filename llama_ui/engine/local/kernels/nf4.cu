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

Work: a block of threads has WARPS_N warps over tiles (ROW_TILES each) and WARPS_K over columns, whose
sums are added up in shared memory. The grid is as large as fits on the GPU at once; each block goes
from tile to tile, so the table is made once and the copies never stop: every warp copies its own
weights asynchronously, STAGES groups of four blocks deep, beyond the end of a tile into its next
one. COLUMN_TILES x 8 rows of x at a time; blockIdx.y counts further ones. Up to three matrices stand
one behind another (query, key, value). PAIRED: each warp has the same tile of two matrices, gate
and up, and silu(gate) * up is written.

Defined by the compiler's options: WARPS_N WARPS_K ROW_TILES COLUMN_TILES STAGES PAIRED. */

#include "common.cuh"

const int GROUP = 4;                                // blocks a stage
const int STAGE_WORDS = ROW_TILES * GROUP * (128 + 8);  // weights, scales
const int WARPS = WARPS_N * WARPS_K;

template <int BYTES>
__device__ __forceinline__ void copy_async(u32 *to, const void *from, int given) {  // the rest 0
  u32 at = (u32)__cvta_generic_to_shared(to);
  if (BYTES == 16) asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(at), "l"(from), "r"(given));
  else asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(at), "l"(from), "r"(given));
}

__device__ __forceinline__ void multiply_add(float *c, const u32 *a, u32 b0, u32 b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

struct Activations {  // 16 columns of one row of x for each of COLUMN_TILES
  uint4 half[COLUMN_TILES][2];

  __device__ __forceinline__ void load(const u16 *const *rows, int block, int blocks) {
#pragma unroll
    for (int n = 0; n < COLUMN_TILES; n++) {
      half[n][0] = half[n][1] = make_uint4(0, 0, 0, 0);
      if (rows[n] && block < blocks) {
        const uint4 *from = (const uint4 *)(rows[n] + block * 64);
        half[n][0] = __ldg(from), half[n][1] = __ldg(from + 1);
      }
    }
  }
  __device__ __forceinline__ u32 word(int n, int i) const {
    const uint4 &v = half[n][i >> 2];
    return (i & 3) == 0 ? v.x : (i & 3) == 1 ? v.y : (i & 3) == 2 ? v.z : v.w;
  }
};

struct Matrices {  // up to three, one behind another; ends count tiles
  const uint4 *w[3];
  const u32 *s[3];
  float unit[3];
  int end[3];

  __device__ __forceinline__ int which(int tile, int r) const {
    return PAIRED ? r : tile + r < end[0] ? 0 : tile + r < end[1] ? 1 : 2;
  }
  __device__ __forceinline__ int inside(int tile, int r) const {  // number of the tile in its matrix
    const int m = which(tile, r);
    return PAIRED ? tile : tile + r - (m == 0 ? 0 : m == 1 ? end[0] : end[1]);
  }
};

extern "C" __global__ void __launch_bounds__(WARPS * 32, COLUMN_TILES == 1 ? 32 / WARPS : 1) nf4_product(
    Matrices matrices, const u32 *table, const u16 *x, u16 *y, int rows, int blocks) {
  extern __shared__ uint4 shared[];
  u32 *lookup = (u32 *)shared;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane >> 2, t = lane & 3;
  const int along_n = warp % WARPS_N, along_k = warp / WARPS_N;
  u32 *ring = lookup + 8192 + warp * STAGES * STAGE_WORDS;
  float *sums = (float *)(lookup + 8192 + WARPS * STAGES * STAGE_WORDS);  // twice, taken in turns
  const int groups = (blocks + GROUP - 1) / GROUP;
  const int first = groups * along_k / WARPS_K, last = groups * (along_k + 1) / WARPS_K;
  const int each = WARPS_N * (PAIRED ? 1 : ROW_TILES);  // tiles of a block of threads at a time
  const int all = PAIRED ? matrices.end[0] : matrices.end[2];

  // Where the copies are: they run ahead of the products.
  int far_tile = first < last ? blockIdx.x * each : all, far_group = first, far_stage = 0;
  const uint4 *weights[ROW_TILES];
  const u32 *scales[ROW_TILES];
  auto find = [&] {
#pragma unroll
    for (int r = 0; r < ROW_TILES; r++) {
      const int tile = far_tile + along_n * (PAIRED ? 1 : ROW_TILES);
      const int m = matrices.which(tile, r);
      const size_t at = (size_t)matrices.inside(tile, r) * blocks;
      weights[r] = (m == 0 ? matrices.w[0] : m == 1 ? matrices.w[1] : matrices.w[2]) + at * 32 + lane;
      scales[r] = (m == 0 ? matrices.s[0] : m == 1 ? matrices.s[1] : matrices.s[2]) + at * 8 + lane;
    }
  };
  auto fetch = [&] {
    if (far_tile < all) {
      u32 *stage = ring + far_stage * STAGE_WORDS;
#pragma unroll
      for (int r = 0; r < ROW_TILES; r++) {
#pragma unroll
        for (int j = 0; j < GROUP; j++)
          if (far_group * GROUP + j < blocks)
            copy_async<16>(stage + (r * GROUP + j) * 128 + lane * 4, weights[r] + (far_group * GROUP + j) * 32, 16);
        const bool is_there = far_group * GROUP + g / 2 < blocks;  // else 0, whatever the weights
        copy_async<4>(stage + ROW_TILES * GROUP * 128 + r * 32 + lane, is_there ? scales[r] + far_group * 32 : scales[r], is_there * 4);
      }
      far_stage = far_stage + 1 == STAGES ? 0 : far_stage + 1;
      if (++far_group == last) {
        far_group = first, far_tile += gridDim.x * each;
        if (far_tile < all) find();
      }
    }
    asm volatile("cp.async.commit_group;");
  };
  if (far_tile < all) find();
#pragma unroll
  for (int i = 0; i < STAGES - 1; i++) fetch();
  for (int i = warp; i < 8; i += WARPS) {
    const u32 entry = table[i * 32 + lane];
#pragma unroll 8
    for (int j = 0; j < 32; j++) lookup[(i * 32 + j) * 32 + lane] = __shfl_sync(~0u, entry, j);
  }
  __syncthreads();
  wait_for_previous_kernel();  // weights and table are never written; x may be, until here

  const int row0 = blockIdx.y * COLUMN_TILES * 8;
  const u16 *mine[COLUMN_TILES];
#pragma unroll
  for (int n = 0; n < COLUMN_TILES; n++) {
    const int row = row0 + n * 8 + g;
    mine[n] = row < rows ? x + (size_t)row * blocks * 64 + 16 * t : 0;
  }
  Activations now, next;
  now.load(mine, first * GROUP, blocks);
  const char *mine_in_table = (const char *)(lookup + lane);
  const u32 *stage = ring;
  int turn = 1;
  for (int tile = blockIdx.x * each; tile < all; tile += gridDim.x * each) {
    float sum[ROW_TILES][COLUMN_TILES][4] = {};
    for (int group = first; group < last; group++) {
      asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
      __syncwarp();  // the stage has arrived for all lanes, and all have left the one before it
      fetch();
#pragma unroll
      for (int j = 0; j < GROUP; j++) {
        const int block = group * GROUP + j;
        next.load(mine, j == GROUP - 1 && group == last - 1 ? first * GROUP : block + 1, blocks);
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
      stage = stage == ring + (STAGES - 1) * STAGE_WORDS ? ring : stage + STAGE_WORDS;
    }
    // [along_k][along_n][r][n][c][lane]
    const int matrix = ROW_TILES * COLUMN_TILES * 128;
#pragma unroll
    for (int i = 0; i < matrix / 32; i++) sums[warp * matrix + i * 32 + lane] = (&sum[0][0][0])[i];
    __syncthreads();
    for (int i = threadIdx.x; i < each * COLUMN_TILES * 128; i += WARPS * 32) {
      const int from = PAIRED ? i / (COLUMN_TILES * 128) * matrix + i % (COLUMN_TILES * 128) : i;
      float value = 0, other = 0;
      for (int k = 0; k < WARPS_K; k++) {
        value += sums[k * WARPS_N * matrix + from];
        if (PAIRED) other += sums[k * WARPS_N * matrix + from + COLUMN_TILES * 128];
      }
      const int at = tile + i / (COLUMN_TILES * 128), n = i / 128 % COLUMN_TILES, c = i / 32 % 4;
      const int row = row0 + n * 8 + 2 * t + (c & 1), column = at * 16 + g + (c >> 1) * 8;
      const int m = PAIRED ? 0 : matrices.which(at, 0);
      value *= m == 0 ? matrices.unit[0] : m == 1 ? matrices.unit[1] : matrices.unit[2];
      if (PAIRED) value = value / (1 + __expf(-value)) * (other * matrices.unit[1]);
      if (row < rows) y[(size_t)row * all * 16 + column] = to_bf16(value);
    }
    sums += turn * WARPS * matrix, turn = -turn;
  }
}

/* The weights themselves in bfloat16, [16 * gridDim.x, 64 * blocks], for products of many rows. */
extern "C" __global__ void nf4_unpack(Matrices matrices, const float *code, u16 *to, int first_tile, int blocks) {
  __shared__ float value[16];
  if (threadIdx.x < 16) value[threadIdx.x] = code[threadIdx.x];
  __syncthreads();
  wait_for_previous_kernel();
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3, tile = first_tile + blockIdx.x;
  const int m = matrices.which(tile, 0);
  const uint4 *w = m == 0 ? matrices.w[0] : m == 1 ? matrices.w[1] : matrices.w[2];
  const u32 *s = m == 0 ? matrices.s[0] : m == 1 ? matrices.s[1] : matrices.s[2];
  const float unit = m == 0 ? matrices.unit[0] : m == 1 ? matrices.unit[1] : matrices.unit[2];
  for (int block = threadIdx.x >> 5; block < blocks; block += blockDim.x >> 5) {
    const size_t at = (size_t)matrices.inside(tile, 0) * blocks + block;
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
