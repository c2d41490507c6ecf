#include "ingest/table_turns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"

namespace deltadrop::ingest {

void TableTurns::start() {
  for (std::size_t i = 0; i < size_.threads; ++i) threads_.emplace_back([this] { work(); });
}

void TableTurns::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

Error shutting_down() {
  return {ErrorCode::shutting_down, "shutting-down", "the server is stopping",
          "send the file again when it is back"};
}

Result<void> TableTurns::add(const TableRef& table, Job job) {
  const TableRef folded = table.folded();
  const std::lock_guard lock(mutex_);
  if (stopping_) return shutting_down();
  const auto known = companies_.find(folded.company_id);
  const std::size_t waiting = known == companies_.end() ? 0 : known->second.waiting;
  const std::size_t free = size_.waiting_max - std::min(size_.waiting_max, waiting_);
  if (!may_take_one_more(waiting, free)) {
    return Error{ErrorCode::unavailable, "too-many-uploads",
                 fmt::format("{} of company {} wait for their turn, as many as may",
                             counted(waiting, "upload"), table.company_id),
                 "try again in a few seconds, with fewer uploads at once"};
  }
  put(folded, std::move(job));
  return success();
}

bool TableTurns::add_own(const TableRef& table, Job job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  put(table.folded(), std::move(job));
  return true;
}

void TableTurns::put(const TableRef& folded, Job job) {
  Company& company = companies_[folded.company_id];
  Table& table = tables_[folded];
  table.jobs.push_back(std::move(job));
  ++company.waiting;
  ++waiting_;
  if (!table.running && table.jobs.size() == 1) make_ready(folded, company);
  changed_.notify_one();
}

void TableTurns::make_ready(const TableRef& table, Company& company) {
  if (company.ready.empty()) turns_.push_back(table.company_id);
  company.ready.push_back(table);
}

bool TableTurns::take(TableRef* table, Job* job) {
  // While the engine stops, each thread runs the remaining jobs, whatever the share.
  const auto may_run = [this](const std::string& name) {
    return stopping_ || may_take_one_more(companies_[name].running, free_threads());
  };
  const auto turn = std::find_if(turns_.begin(), turns_.end(), may_run);
  if (turn == turns_.end()) return false;
  Company& company = companies_[*turn];
  *table = std::move(company.ready.front());
  company.ready.pop_front();
  // The company's next table goes after the other companies.
  if (!company.ready.empty()) turns_.push_back(*turn);
  turns_.erase(turn);
  Table& taken = tables_[*table];
  *job = std::move(taken.jobs.front());
  taken.jobs.pop_front();
  taken.running = true;
  --company.waiting;
  --waiting_;
  ++company.running;
  ++running_;
  return true;
}

void TableTurns::finish(const TableRef& ref) {
  Company& company = companies_[ref.company_id];
  --company.running;
  --running_;
  const auto table = tables_.find(ref);
  table->second.running = false;
  if (table->second.jobs.empty()) {
    tables_.erase(table);
  } else {
    make_ready(ref, company);
  }
  if (company.running == 0 && company.waiting == 0) companies_.erase(ref.company_id);
}

void TableTurns::work() {
  std::unique_lock lock(mutex_);
  TableRef table;
  Job job;
  while (true) {
    if (take(&table, &job)) {
      lock.unlock();
      job();
      job = nullptr;  // it may hold a file of gigabytes
      lock.lock();
      finish(table);
      // Another company's share may have grown, now that this thread is free.
      changed_.notify_one();
    } else if (stopping_ && waiting_ == 0) {
      // Wake the threads that slept while another thread's table had jobs left.
      changed_.notify_all();
      return;
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace deltadrop::ingest
