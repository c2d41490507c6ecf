#include "api/assets.hpp"

#include <cstddef>

// The assembler includes the files, because g++ 12 lacks #embed and needs half a minute for an array literal
// of 2 MB.
#define DELTADROP_ASSET(name, path)               \
  __asm__(                                        \
      ".pushsection .rodata\n"                    \
      "deltadrop_" name "_begin: .incbin \"" path \
      "\"\n"                                      \
      "deltadrop_" name                           \
      "_end:\n"                                   \
      ".popsection\n")

DELTADROP_ASSET("openapi", DELTADROP_OPENAPI);
DELTADROP_ASSET("swagger_script", DELTADROP_SWAGGER_UI "/swagger-ui-bundle.js");
DELTADROP_ASSET("swagger_style", DELTADROP_SWAGGER_UI "/swagger-ui.css");

extern "C" {
extern const char deltadrop_openapi_begin[] __attribute__((visibility("hidden")));
extern const char deltadrop_openapi_end[] __attribute__((visibility("hidden")));
extern const char deltadrop_swagger_script_begin[] __attribute__((visibility("hidden")));
extern const char deltadrop_swagger_script_end[] __attribute__((visibility("hidden")));
extern const char deltadrop_swagger_style_begin[] __attribute__((visibility("hidden")));
extern const char deltadrop_swagger_style_end[] __attribute__((visibility("hidden")));
}

namespace deltadrop::api {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::string_view openapi_text() { return between(deltadrop_openapi_begin, deltadrop_openapi_end); }
std::string_view swagger_ui_script() {
  return between(deltadrop_swagger_script_begin, deltadrop_swagger_script_end);
}
std::string_view swagger_ui_style() {
  return between(deltadrop_swagger_style_begin, deltadrop_swagger_style_end);
}

}  // namespace deltadrop::api
