#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"

namespace deltadrop::history::postgres {

/// What PostgreSQL complains about, as an Error of ours. `sqlstate` is empty where libpq itself complains;
/// `where` names server, database and user.
Error error_of_sqlstate(std::string_view sqlstate, std::string_view message, const std::string& where);

/// The SQLSTATE in a verbose message of libpq ("FATAL:  28P01: password ..."), or "".
std::string_view sqlstate_in(std::string_view verbose_message);

/// The message proper of libpq's verbose text, in one line: without severity, code and place in the source.
std::string message_in(std::string_view verbose_message);

}  // namespace deltadrop::history::postgres
