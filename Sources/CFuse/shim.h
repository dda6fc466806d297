#ifndef UPLOADFS_CFUSE_SHIM_H
#define UPLOADFS_CFUSE_SHIM_H

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

#endif
