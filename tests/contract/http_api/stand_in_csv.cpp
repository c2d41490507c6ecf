#include "csv/options.hpp"

namespace deltadrop::csv {

std::string_view to_string(Encoding encoding) { return encoding == Encoding::utf8 ? "utf-8" : "latin-1"; }
std::string_view to_string(EmptyPolicy policy) { return policy == EmptyPolicy::null ? "null" : "text"; }
std::string delimiter_name(char delimiter) { return {delimiter}; }

}  // namespace deltadrop::csv
