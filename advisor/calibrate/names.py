"""The files that the program reads, by name."""

BENCHMARKS = "benchmarks.csv"
MORE = "benchmarks_more.csv"  # of other sources, collected later
KERNEL_TABLES = ("vllm_gemm_efficiency.csv", "matmul_tflops_measured.csv")
