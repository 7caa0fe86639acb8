# find_package(nncc): the compiler as NNCC_EXECUTABLE, and nncc_add_model. Works
# in a build folder and where it is installed.
find_program(NNCC_EXECUTABLE nncc NO_CMAKE_FIND_ROOT_PATH
  HINTS "${CMAKE_CURRENT_LIST_DIR}/bin" "${CMAKE_CURRENT_LIST_DIR}/../../../bin")
mark_as_advanced(NNCC_EXECUTABLE)
if(NOT NNCC_EXECUTABLE)
  set(nncc_FOUND FALSE)
  set(nncc_NOT_FOUND_MESSAGE "the program nncc was not found")
  return()
endif()
include("${CMAKE_CURRENT_LIST_DIR}/NnccAddModel.cmake")
