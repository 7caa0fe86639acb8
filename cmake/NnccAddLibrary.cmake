# One library per folder, one executable per tool; all link the shared MLIR and
# LLVM libraries.

# nncc_add_library(NAME SOURCES... [DEPENDS TABLEGEN_TARGETS...] [LINK LIBS...])
function(nncc_add_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  llvm_update_compile_flags(${name})
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wno-unused-parameter)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# nncc_add_tool(NAME SOURCES... [LINK LIBS...])
function(nncc_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  llvm_update_compile_flags(${name})
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wno-unused-parameter)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
endfunction()

# nncc_tablegen(NAME TD (OUTPUT GENERATOR_FLAGS)...): files in the build tree
# beside where the .td lies in the source tree, and a target NAME for them.
function(nncc_tablegen name td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(rest ${ARGN})
  list(LENGTH rest count)
  while(count GREATER 0)
    list(POP_FRONT rest output flags)
    separate_arguments(flags)
    mlir_tablegen(${output} ${flags} -I ${PROJECT_SOURCE_DIR}/compiler/include
      EXTRA_INCLUDES)
    list(LENGTH rest count)
  endwhile()
  add_public_tablegen_target(${name})
endfunction()
