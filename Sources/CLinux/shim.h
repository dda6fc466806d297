#ifndef UPLOADFS_CLINUX_SHIM_H
#define UPLOADFS_CLINUX_SHIM_H

// What glibc has and Swift's Glibc module leaves out. Declared here as the manual pages have it, in the plain
// types of 64-bit Linux: including glibc's own headers would bring a second copy of what Glibc exports.

// setxattr(2), getxattr(2)
int fsetxattr(int descriptor, const char *name, const void *value, unsigned long size, int flags);
long fgetxattr(int descriptor, const char *name, void *value, unsigned long size);

// sync_file_range(2)
int sync_file_range(int descriptor, long offset, long length, unsigned int flags);

// SYNC_FILE_RANGE_WRITE: start writing what is dirty, and don't wait for it.
static inline int clinux_start_writeback(int descriptor, long offset, long length) {
    return sync_file_range(descriptor, offset, length, 2);
}

#endif
