#include "actors/peer_archive.hpp"

#include <utility>

namespace timenode {

peer_archive_state::peer_archive_state(archive_actor::pointer,
                                       std::shared_ptr<net::line_store> store)
    : store_{std::move(store)} {}

archive_actor::behavior_type peer_archive_state::make_behavior() {
  return {
      [this](atom::save, const std::string& list, const std::vector<std::string>& lines) {
        const auto saved = store_->save(list, lines);
        return saved ? std::string{} : saved.error().reason;
      },
  };
}

}  // namespace timenode
