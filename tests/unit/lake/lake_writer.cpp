#include <cstdio>

#include "lake/lake.hpp"
#include "sample.hpp"
#include "support/fake_history.hpp"

/// lake_writer FOLDER: writes the two sample uploads. Exits 1 and prints the error's type where that fails. A
/// program of its own, since a fault plan holds for a whole process.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  deltadrop::testing::FakeHistory history;
  deltadrop::lake::Options options;
  options.folder = argv[1];
  for (const auto& upload :
       {history.add(deltadrop::testing::first_upload()), history.add(deltadrop::testing::second_upload())}) {
    const auto report = deltadrop::lake::write_upload(options, history, upload, upload.facts.timestamp);
    if (report.has_value()) continue;
    std::fputs(report.error().type.c_str(), stdout);
    return 1;
  }
  return 0;
}
