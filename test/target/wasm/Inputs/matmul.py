"""Prints a 4x8 register tile over A[128,96] x B[96,16] as the kernel generator would."""

M, K, N = 128, 96, 16
CELLS = [(row, half) for row in range(4) for half in range(2)]


def lines(*texts):
    print("\n".join(texts))


lines(f"""module attributes {{nncc.symbols = [],
  nncc.inputs = [{{name = "a", type = tensor<{M}x{K}xf32>}}, {{name = "b", type = tensor<{N // 8}x{K}x8xf32>}}],
  nncc.outputs = [{{name = "c", type = tensor<{M}x{N}xf32>}}]}} {{
func.func private @"/fc/MatMul"(%a: memref<?xf32>, %b: memref<?xf32>, %c: memref<?xf32>, %begin: index, %end: index) {{""")
for name, value in {
    "c0": 0,
    "c1": 1,
    "c2": 2,
    "c3": 3,
    "c4": 4,
    "c8": 8,
    "M": M,
    "K": K,
    "N": N,
    "panel": 8 * K,
}.items():
    lines(f"%{name} = arith.constant {value} : index")
lines(
    "%zero = arith.constant dense<0.0> : vector<4xf32>",
    "scf.for %p = %begin to %end step %c1 {",
    "scf.for %i = %c0 to %M step %c4 {",
    "%bp = arith.muli %p, %panel : index",
)
lines("%ai = arith.muli %i, %K : index", "%ci = arith.muli %i, %N : index")
for row in range(4):
    lines(
        f"%ka{row} = arith.constant {row * K} : index",
        f"%kc{row} = arith.constant {row * N} : index",
    )
vectors = ", ".join(["vector<4xf32>"] * 8)
starts = ", ".join(f"%s{r}{h} = %zero" for r, h in CELLS)
lines(
    f"%sums:8 = scf.for %k = %c0 to %K step %c1 iter_args({starts}) -> ({vectors}) {{",
    "%bk = arith.muli %k, %c8 : index",
    "%b0 = arith.addi %bp, %bk : index",
    "%b1 = arith.addi %b0, %c4 : index",
)
for half in range(2):
    lines(f"%w{half} = vector.load %b[%b{half}] : memref<?xf32>, vector<4xf32>")
for row in range(4):
    lines(
        f"%ar{row} = arith.addi %ai, %k : index",
        f"%ak{row} = arith.addi %ar{row}, %ka{row} : index",
        f"%e{row} = memref.load %a[%ak{row}] : memref<?xf32>",
        f"%v{row} = vector.broadcast %e{row} : f32 to vector<4xf32>",
    )
    for half in range(2):
        lines(
            f"%m{row}{half} = arith.mulf %v{row}, %w{half} : vector<4xf32>",
            f"%t{row}{half} = arith.addf %s{row}{half}, %m{row}{half} : vector<4xf32>",
        )
lines(
    "scf.yield " + ", ".join(f"%t{r}{h}" for r, h in CELLS) + f" : {vectors}",
    "}",
    "%n = arith.muli %p, %c8 : index",
)
for row in range(4):
    lines(
        f"%cr{row} = arith.addi %ci, %kc{row} : index",
        f"%c{row}0 = arith.addi %cr{row}, %n : index",
        f"%c{row}1 = arith.addi %c{row}0, %c4 : index",
    )
    for half in range(2):
        lines(
            f"vector.store %sums#{2 * row + half}, %c[%c{row}{half}] : memref<?xf32>, vector<4xf32>"
        )
lines(
    "}",
    "}",
    "return",
    "}",
    f"""
func.func @nncc_run(%arena: memref<?xi8>, %weights: memref<?xi8>, %a: memref<?xf32>, %b: memref<?xf32>) -> (memref<?xf32>, index, index) {{
  %c0 = arith.constant 0 : index
  %panels = arith.constant {N // 8} : index
  %m = arith.constant {M} : index
  %n = arith.constant {N} : index
  %c = memref.view %arena[%c0][%m] : memref<?xi8> to memref<?xf32>
  call @"/fc/MatMul"(%a, %b, %c, %c0, %panels) : (memref<?xf32>, memref<?xf32>, memref<?xf32>, index, index) -> ()
  return %c, %m, %n : memref<?xf32>, index, index
}}
func.func @nncc_arena_bytes() -> index {{
  %bytes = arith.constant {4 * M * N} : index
  return %bytes : index
}}
}}""",
)
