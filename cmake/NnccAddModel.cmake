# nncc_add_model(NAME MODEL.onnx [FLAGS...]): a static library NAME for wasm32
# with the network and its header NAME.h (docs/embedding.md). It is compiled anew
# when the file or nncc changes; FLAGS go to nncc, e.g. --dim batch=1.
function(nncc_add_model name model)
  if(NOT name MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "nncc_add_model: '${name}' is no identifier of C")
  endif()
  get_filename_component(model "${model}" ABSOLUTE)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/nncc/${name}")
  set(object "${folder}/${name}.o")
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(OUTPUT "${object}" "${folder}/${name}.h"
    COMMAND "${NNCC_EXECUTABLE}" "${model}" --emit=obj -o "${object}" ${ARGN}
    DEPENDS "${model}" "${NNCC_EXECUTABLE}"
    COMMENT "Compiling the network ${name}" VERBATIM)
  add_library(${name} STATIC "${object}" "${folder}/${name}.h")
  set_source_files_properties("${object}" PROPERTIES
    EXTERNAL_OBJECT TRUE GENERATED TRUE)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${name} PUBLIC "${folder}")
endfunction()
