#pragma once

#include <stop_token>
#include <string>

#include <boost/system/error_code.hpp>

#include "http/connection_body.hpp"
#include "http/message.hpp"

/// Converts a parsed head to a request.
namespace deltadrop::http {

/// Returns how to correct a head that the parser rejects.
std::string advice_for(const boost::system::error_code& error);

/// Returns a Stop that is requested when the client has disconnected or when the remaining requests must end.
Stop stop_of(const std::stop_source& gone, const std::stop_source& ending);

/// Sets method, headers, address and id. The target is parsed separately.
Request request_of(const RequestParser& parser, const std::string& remote_address);

}  // namespace deltadrop::http
