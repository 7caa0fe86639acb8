# What a project of a user finds: in the build folder, and after an install.
include(GNUInstallDirs)
set(package_files
  ${PROJECT_SOURCE_DIR}/cmake/nncc-config.cmake
  ${PROJECT_SOURCE_DIR}/cmake/NnccAddModel.cmake)
foreach(file ${package_files})
  get_filename_component(name ${file} NAME)
  configure_file(${file} ${PROJECT_BINARY_DIR}/${name} COPYONLY)
endforeach()
# LLVM may lie where the system does not look.
set_target_properties(nncc PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS nncc RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# Not under the architecture's folder: the config looks for bin beside lib.
install(FILES ${package_files} DESTINATION lib/cmake/nncc)
