# docs/dependencies.md lists the source of each library. tools/bootstrap.sh installs missing ones; this file downloads nothing.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CURL 7.85 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(simdjson REQUIRED)
find_package(absl REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(EXPAT REQUIRED IMPORTED_TARGET expat>=2.5)
pkg_check_modules(MINIZIP REQUIRED IMPORTED_TARGET minizip)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq>=14)

# Arrow and Parquet: the system's if CMake finds them, otherwise the pyarrow wheel that tools/bootstrap.sh unpacked. The
# wheel contains headers and shared libraries.
find_package(Arrow QUIET)
find_package(Parquet QUIET)
add_library(deltadrop_arrow INTERFACE)
if(Arrow_FOUND AND Parquet_FOUND)
  target_link_libraries(deltadrop_arrow INTERFACE Arrow::arrow_shared Parquet::parquet_shared)
else()
  set(DELTADROP_PYARROW ${CMAKE_SOURCE_DIR}/.deps/pyarrow-26.0.1/pyarrow CACHE PATH "Unpacked pyarrow wheel")
  if(NOT EXISTS ${DELTADROP_PYARROW}/include/arrow/api.h)
    message(FATAL_ERROR "Neither Arrow C++ nor ${DELTADROP_PYARROW} was found. Run tools/bootstrap.sh.")
  endif()
  target_include_directories(deltadrop_arrow SYSTEM INTERFACE ${DELTADROP_PYARROW}/include)
  target_link_libraries(deltadrop_arrow INTERFACE ${DELTADROP_PYARROW}/libparquet.so.2600
                                                  ${DELTADROP_PYARROW}/libarrow.so.2600)
  set(CMAKE_BUILD_RPATH ${DELTADROP_PYARROW})
endif()

# libparquet exports the symbols of its bundled simdjson, which has another version. The dynamic linker takes each symbol from
# the first library in link order that has it, so ours must precede libparquet. It is a link option because options precede all
# libraries. (Parquet calls its bundled one only for JSON and geometry columns, which we do not write.)
target_link_options(deltadrop_arrow INTERFACE LINKER:--push-state,--no-as-needed $<TARGET_FILE:simdjson::simdjson>
                                              LINKER:--pop-state)

# librdkafka: the system's if it is new enough (releases before 2.12 have bugs in the idempotent producer and in rebalancing),
# otherwise the static library that tools/bootstrap.sh built.
pkg_check_modules(RDKAFKA QUIET IMPORTED_TARGET rdkafka>=2.12)
add_library(deltadrop_rdkafka INTERFACE)
if(RDKAFKA_FOUND)
  target_link_libraries(deltadrop_rdkafka INTERFACE PkgConfig::RDKAFKA)
else()
  set(DELTADROP_RDKAFKA ${CMAKE_SOURCE_DIR}/.deps/librdkafka-2.15.1 CACHE PATH "Built librdkafka")
  if(NOT EXISTS ${DELTADROP_RDKAFKA}/lib/librdkafka.a)
    message(FATAL_ERROR "Neither librdkafka 2.12 nor ${DELTADROP_RDKAFKA} was found. Run tools/bootstrap.sh.")
  endif()
  target_include_directories(deltadrop_rdkafka SYSTEM INTERFACE ${DELTADROP_RDKAFKA}/include)
  target_link_libraries(deltadrop_rdkafka INTERFACE ${DELTADROP_RDKAFKA}/lib/librdkafka.a OpenSSL::SSL OpenSSL::Crypto
                                                    ZLIB::ZLIB PkgConfig::ZSTD Threads::Threads ${CMAKE_DL_LIBS} m)
endif()

if(DELTADROP_TESTS)
  find_package(GTest REQUIRED)
endif()

# Swagger UI, embedded in the program: the npm package that tools/bootstrap.sh unpacked.
set(DELTADROP_SWAGGER_UI ${CMAKE_SOURCE_DIR}/.deps/swagger-ui-5.35.0 CACHE PATH "Unpacked npm package swagger-ui-dist")
if(NOT EXISTS ${DELTADROP_SWAGGER_UI}/swagger-ui-bundle.js)
  message(FATAL_ERROR "${DELTADROP_SWAGGER_UI} was not found. Run tools/bootstrap.sh.")
endif()

# Converts docs/openapi.yaml to JSON during the build. Uses Debian's Python, since build/venv is for tests only.
find_program(DELTADROP_YAML_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(NOT DELTADROP_YAML_PYTHON)
  find_program(DELTADROP_YAML_PYTHON NAMES python3 REQUIRED)
endif()
