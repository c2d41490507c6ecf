#include "api/answers.hpp"

#include <gtest/gtest.h>

#include <string>

namespace deltadrop::api {
namespace {

TEST(FindingsProblem, ListsWhatIsThereAndHowMuchThereIs) {
  csv::Findings findings;
  findings.first.push_back({"repeated-key", Line(90), "id", "FIN-7", "duplicate key", "keep one"});
  findings.first.push_back({"unclosed-quote", Line(95), std::nullopt, std::nullopt, "no end", "close it"});
  findings.total = 7;
  const auto response = findings_problem(findings);
  EXPECT_EQ(response.status, 422U);
  EXPECT_NE(
      response.body.find(
          R"("detail":"the file has 7 faults; nothing was changed; the first, in line 90: duplicate key")"),
      std::string::npos)
      << response.body;
  EXPECT_NE(
      response.body.find(
          R"("findings":[{"type":"repeated-key","line":90,"column":"id","value":"FIN-7","reason":"duplicate key",)"
          R"("fix":"keep one","count":1},{"type":"unclosed-quote","line":95,"column":null,"value":null,"reason":"no end",)"
          R"("fix":"close it","count":1}],"findings_total":7})"),
      std::string::npos)
      << response.body;
}

}  // namespace
}  // namespace deltadrop::api
