#include "sqlite/group_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace deltadrop::sqlite {
namespace {

Result<void> call(const std::function<Result<void>()>& hook) { return hook ? hook() : success(); }

Result<void> run_prepared(Database& database, std::string_view sql) {
  DD_TRY(auto statement, database.prepare(sql));
  return statement.run();
}

Error left_undone() {
  return {ErrorCode::internal, "write-left", "the thread that wrote for this group ended before it finished",
          "retry"};
}

}  // namespace

GroupWriter::GroupWriter(Database database, Hooks hooks)
    : database_(std::move(database)), hooks_(std::move(hooks)) {}

Result<void> GroupWriter::run(const Write& write) {
  Waiting mine(write);
  std::unique_lock lock(mutex_);
  queue_.push_back(&mine);
  return wait_or_lead(lock, mine);
}

std::optional<Result<void>> GroupWriter::run_if_idle(const Write& write) {
  Waiting mine(write);
  std::unique_lock lock(mutex_);
  if (working_) return std::nullopt;
  queue_.push_back(&mine);
  return wait_or_lead(lock, mine);
}

std::size_t GroupWriter::waiting() {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

Result<void> GroupWriter::wait_or_lead(std::unique_lock<std::mutex>& lock, Waiting& mine) {
  if (working_) mine.changed.wait(lock, [&] { return mine.done || mine.leads; });
  if (mine.done) return result_of(mine);
  // This write is the first in the queue, so the leader is part of its group. Take the group without
  // allocating: an entry whose thread fails here would stay in the queue.
  std::array<Waiting*, kGroupMax> taken;
  const std::size_t count = std::min(queue_.size(), kGroupMax);
  std::copy_n(queue_.begin(), count, taken.begin());
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
  const Group group(taken.data(), count);
  working_ = true;
  lock.unlock();
  try {
    work(group);
  } catch (...) {
    // The others must not wait forever for a thread that failed, for example for lack of memory.
    for (Waiting* waiting : group) waiting->result.reset();
    end(lock, group);
    throw;
  }
  end(lock, group);
  return result_of(mine);
}

Result<void> GroupWriter::result_of(Waiting& ended) {
  if (ended.result) return *std::move(ended.result);
  return left_undone();
}

void GroupWriter::end(std::unique_lock<std::mutex>& lock, Group group) {
  lock.lock();
  for (Waiting* waiting : group) {
    waiting->done = true;
    // Notify with the lock held: the condition variable is destroyed once its thread continues.
    waiting->changed.notify_one();
  }
  working_ = !queue_.empty();
  if (!working_) return;
  queue_.front()->leads = true;
  queue_.front()->changed.notify_one();
}

void GroupWriter::work(Group group) {
  const auto outcome = run_all(group);
  if (outcome.has_value()) return;
  for (Waiting* waiting : group) {
    // A write that failed keeps its own error. It is rolled back in any case.
    if (!waiting->result || waiting->result->has_value()) waiting->result = outcome.error();
  }
}

Result<void> GroupWriter::run_all(Group group) {
  DD_TRY(call(hooks_.begin));
  DD_TRY(auto transaction, Transaction::begin(database_));
  bool any = false;
  for (Waiting* waiting : group) {
    DD_TRY(const bool written, run_one(*waiting));
    any = any || written;
  }
  // There is nothing to commit; the destructor rolls back.
  if (!any) return success();
  DD_TRY(call(hooks_.before_commit));
  DD_TRY(transaction.commit());
  return call(hooks_.committed);
}

/// Returns whether the write succeeded, or an error if the transaction cannot continue.
Result<bool> GroupWriter::run_one(Waiting& waiting) {
  DD_TRY(run_prepared(database_, "SAVEPOINT one"));
  waiting.result = waiting.write(database_);
  const bool written = waiting.result->has_value();
  // After a full disk or a failed read, SQLite rolls back the whole transaction, including the other writes.
  if (!database_.in_transaction())
    return waiting.result->has_value() ? left_undone() : waiting.result->error();
  if (!written) {
    DD_TRY(run_prepared(database_, "ROLLBACK TO one"));
  }
  DD_TRY(run_prepared(database_, "RELEASE one"));
  return written;
}

}  // namespace deltadrop::sqlite
