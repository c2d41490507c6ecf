#pragma once

#include <string>
#include <string_view>

namespace deltadrop::cli {

/// What a fix says of the options of a file in their form as fields of an upload, as the command line has
/// them: "encoding=utf-16le" -> "--encoding utf-16le", "key=" -> "--key", "rekey=true" -> "--rekey". What
/// stands in double quotes is a value, and stays.
std::string with_option_names(std::string_view fix);

}  // namespace deltadrop::cli
