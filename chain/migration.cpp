#include "chain/migration.hpp"

#include "chain/rocksdb_records.hpp"

#include <algorithm>
#include <system_error>

namespace timenode::chain {

const std::vector<migration_step>& migration_steps() {
  static const std::vector<migration_step> none;
  return none;
}

outcome<migration_report> migrate_store(const std::filesystem::path& directory,
                                        const std::vector<migration_step>& steps) {
  std::error_code ignored;
  if (!std::filesystem::exists(directory / "CURRENT", ignored))
    return fail("there is no chain store in " + directory.string() + ": nothing to migrate");
  auto opened = database::open(directory, {});
  if (!opened)
    return tl::unexpected{opened.error()};
  auto& db = **opened;
  const auto schema = read_schema(db);
  if (!schema)
    return tl::unexpected{schema.error()};
  if (!*schema)
    return fail("the chain store in " + directory.string() + " is empty: nothing to migrate");
  const auto newest = steps.empty() ? schema_version : steps.back().from + 1;
  if (**schema > newest)
    return tl::unexpected{newer_schema(db, **schema)};
  migration_report report{**schema, **schema, {}};
  while (report.to < newest) {
    const auto step = std::find_if(steps.begin(), steps.end(),
                                   [&](const auto& x) { return x.from == report.to; });
    if (step == steps.end())
      return fail("the chain store in " + directory.string() + " has schema " +
                  std::to_string(report.to) +
                  ", from which this program knows no way: move that directory away, then the node "
                  "downloads (or you import) the chain");
    if (auto done = step->run(db); !done)
      return fail("schema " + std::to_string(step->from) + " to the next (" + step->what +
                  "): " + done.error().reason);
    if (auto written = write_schema(db, step->from + 1); !written)
      return tl::unexpected{written.error()};
    report.to = step->from + 1;
    report.done.push_back(step->what);
  }
  return report;
}

}  // namespace timenode::chain
