#pragma once

#include <string>
#include <string_view>

namespace deltadrop::cli {

/// Converts the form fields in a fix to command-line options: "encoding=utf-16le" -> "--encoding utf-16le",
/// "key=" -> "--key", "rekey=true" -> "--rekey". Text in double quotes is a value and does not change.
std::string with_option_names(std::string_view fix);

}  // namespace deltadrop::cli
