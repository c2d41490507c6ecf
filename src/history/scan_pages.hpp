#pragma once

#include <future>

#include "core/result.hpp"

namespace deltadrop::history {

/// Reads page after page, each while the one before it is used. `pages.next()` gives the Result of one page,
/// on other threads but never twice at once, until `pages.done()`; `use(page)` returns a Result<void>. Fails
/// as the two, with whatever fails first in the order of pages.
template <class Pages, class Use>
Result<void> scan_pages(Pages& pages, const Use& use) {
  const auto read = [&pages] { return pages.next(); };
  auto ahead = std::async(std::launch::deferred, read);
  for (bool done = pages.done(); !done;) {
    DD_TRY(const auto page, ahead.get());
    done = pages.done();
    if (!done) ahead = std::async(std::launch::async, read);
    DD_TRY(use(page));
  }
  return success();
}

}  // namespace deltadrop::history
