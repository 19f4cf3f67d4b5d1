# The Debian package: `cmake --build --preset release --target package` (or `cpack` in the build directory)
# makes build/release/timenode_<version>_<architecture>.deb. It holds what deploy/install.sh installs;
# systemd's unit starts the node once the package is configured.

include(GNUInstallDirs)

set(deploy "${CMAKE_SOURCE_DIR}/deploy")
install(TARGETS timenode RUNTIME DESTINATION bin)
install(FILES "${deploy}/timenode.service" DESTINATION lib/systemd/system)
install(FILES "${deploy}/timenode.1" DESTINATION share/man/man1)
install(FILES "${deploy}/completion/timenode.bash" DESTINATION share/bash-completion/completions
        RENAME timenode)
install(FILES "${deploy}/completion/_timenode" DESTINATION share/zsh/vendor-completions)
install(FILES "${deploy}/timenode.toml" DESTINATION /etc/timenode
        PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
install(DIRECTORY "${deploy}/monitoring" DESTINATION share/doc/timenode)
install(FILES "${CMAKE_SOURCE_DIR}/README.md" DESTINATION share/doc/timenode)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME timenode)
set(CPACK_PACKAGE_CONTACT "timenode <timenode@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
    "A node and masternode of the TIME Coin network: it keeps the chain, finds peers and stays connected to them.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${deploy}/debian/conffiles;${deploy}/debian/postinst;${deploy}/debian/prerm;${deploy}/debian/postrm")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
