"""lit configuration: `ninja check-nncc` runs everything below this folder."""

import os
import subprocess

import lit.formats

config.name = "nncc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "e2e", "runtime-web"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.nncc_build, "test")

# A pattern set that never ends must not hang the build.
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.nncc_build, "bin"), config.llvm_tools, os.environ["PATH"]]
)
# glibc overwrites what is freed: who reads it afterwards fails for sure.
config.environment["GLIBC_TUNABLES"] = "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"
for variable in ("HOME", "NODE_PATH"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]
try:
    import psutil  # noqa: F401 - lit measures time with it

    lit_config.maxIndividualTestTime = 120
except ImportError:
    pass

config.substitutions.append(("nncc-opt", "timeout 60 nncc-opt"))
config.substitutions.append(("%python", config.python))
config.substitutions.append(("%source", config.nncc_source))

# Checks WGSL files as a browser does; tests that need it say `REQUIRES: dawn`.
validate_wgsl = ["node", os.path.join(config.nncc_source, "test", "gpu", "validate-wgsl.mjs")]
config.substitutions.append(("%validate-wgsl", " ".join(validate_wgsl)))
if subprocess.run(validate_wgsl, capture_output=True, check=False).returncode == 0:
    config.available_features.add("dawn")
