# Compiler settings that every target shares.
add_library(deltadrop_options INTERFACE)
target_compile_options(deltadrop_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast)
if(DELTADROP_WARNINGS_AS_ERRORS)
  target_compile_options(deltadrop_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside the standard library and Boost at -O2, where nothing is wrong.
  target_compile_options(deltadrop_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
                                                    -Wno-array-bounds -Wno-dangling-pointer)
endif()
if(DELTADROP_SANITIZE)
  target_compile_options(deltadrop_options INTERFACE -fsanitize=${DELTADROP_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(deltadrop_options INTERFACE -fsanitize=${DELTADROP_SANITIZE})
  if(DELTADROP_SANITIZE MATCHES address)
    target_compile_options(deltadrop_options INTERFACE -fsanitize=undefined -fno-sanitize-recover=undefined)
    target_link_options(deltadrop_options INTERFACE -fsanitize=undefined)
  endif()
endif()

find_program(DELTADROP_MOLD mold)
if(DELTADROP_MOLD)
  target_link_options(deltadrop_options INTERFACE -fuse-ld=mold)
endif()
