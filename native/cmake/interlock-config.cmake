# The CMake package of Interlock's C API: find_package(interlock CONFIG), with interlock_DIR set to
# what `python -c "import interlock; print(interlock.get_cmake_dir())"` prints.
#
#   target_link_libraries(my_module PRIVATE interlock::interlock)
#
# There is nothing to link: the functions are reached through a capsule when the module is imported.
if(NOT TARGET interlock::interlock)
  add_library(interlock::interlock INTERFACE IMPORTED)
  set_target_properties(interlock::interlock PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}/../include")
endif()
