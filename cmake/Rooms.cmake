# src/precompiled.hpp, compiled once. Targets that use it must have the same options and link fmt::fmt.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cpp CONTENT "")
add_library(deltadrop_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
target_link_libraries(deltadrop_precompiled PRIVATE deltadrop_options fmt::fmt)
target_precompile_headers(deltadrop_precompiled PRIVATE ${CMAKE_SOURCE_DIR}/src/precompiled.hpp)

# deltadrop_room(csv SOURCES reader.cpp ... USES core io LINK PkgConfig::x [PRECOMPILED headers.hpp])
#
# Defines one static library per module (room): src/<name>/ -> deltadrop_<name>. USES names the modules that it may call.
# LINK names libraries that only this module's .cpp files include. PRECOMPILED replaces src/precompiled.hpp.
function(deltadrop_room name)
  cmake_parse_arguments(ROOM "" "PRECOMPILED" "SOURCES;USES;LINK" ${ARGN})
  add_library(deltadrop_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(deltadrop_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(deltadrop_${name} PUBLIC deltadrop_options)
  foreach(used IN LISTS ROOM_USES)
    target_link_libraries(deltadrop_${name} PUBLIC deltadrop_${used})
  endforeach()
  target_link_libraries(deltadrop_${name} PRIVATE ${ROOM_LINK})
  if(ROOM_PRECOMPILED)
    target_precompile_headers(deltadrop_${name} PRIVATE ${ROOM_PRECOMPILED})
  else()
    target_precompile_headers(deltadrop_${name} REUSE_FROM deltadrop_precompiled)
  endif()
endfunction()
