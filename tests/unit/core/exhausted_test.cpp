#include "core/exhausted.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace deltadrop {
namespace {

std::string type_of(const std::exception& thrown) {
  const auto known = exhausted(thrown);
  return known ? known->type : "";
}

TEST(Exhausted, NamesWhatTheSystemRanOutOf) {
  const auto failed = [](std::errc code) { return std::system_error(std::make_error_code(code)); };
  EXPECT_EQ(type_of(std::bad_alloc()), "out-of-memory");
  EXPECT_EQ(type_of(failed(std::errc::not_enough_memory)), "out-of-memory");
  EXPECT_EQ(type_of(failed(std::errc::resource_unavailable_try_again)), "no-thread");
  EXPECT_EQ(type_of(failed(std::errc::too_many_files_open)), "too-many-files");
  EXPECT_EQ(type_of(failed(std::errc::permission_denied)), "");
  EXPECT_EQ(type_of(std::runtime_error("x")), "");
}

TEST(Exhausted, ConvertsExceptionsToErrors) {
  EXPECT_TRUE(caught([]() -> Result<void> { return success(); }).has_value());
  const auto memory = caught([]() -> Result<void> { throw std::bad_alloc(); });
  ASSERT_FALSE(memory.has_value());
  EXPECT_EQ(memory.error().code, ErrorCode::unavailable);
  EXPECT_EQ(memory.error().type, "out-of-memory");
  const auto other = caught([]() -> Result<void> { throw std::runtime_error("odd"); });
  EXPECT_EQ(other.error().code, ErrorCode::internal);
  EXPECT_EQ(other.error().message, "odd");
}

TEST(Exhausted, RunsWorkOnAnotherThreadOrThisOne) {
  const auto here = std::this_thread::get_id();
  const auto where = [] { return std::this_thread::get_id(); };
  EXPECT_NE(run_apart(true, where).get(), here);
  EXPECT_EQ(run_apart(false, where).get(), here);
}

}  // namespace
}  // namespace deltadrop
