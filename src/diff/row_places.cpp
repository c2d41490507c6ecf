#include "diff/row_places.hpp"

#include "core/assert.hpp"

namespace deltadrop::diff {

csv::RowScanner RowPlaces::scanner_at(const csv::File& file, std::size_t number) const {
  DD_ASSERT(number < size_);
  const Place& place = places_[number / kRowsApart];
  csv::RowScanner scanner = file.rows_from(place.offset, place.line);
  csv::Row row;
  for (std::size_t i = number % kRowsApart; i > 0; --i) scanner.next(row);
  return scanner;
}

}  // namespace deltadrop::diff
