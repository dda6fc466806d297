#ifndef UPLOADFS_CLINUX_SHIM_H
#define UPLOADFS_CLINUX_SHIM_H

// What glibc has and Swift's Glibc module leaves out. Declared here as the manual pages have it, in the plain
// types of 64-bit Linux: including glibc's own headers would bring a second copy of what Glibc exports.

// setxattr(2), getxattr(2)
int fsetxattr(int descriptor, const char *name, const void *value, unsigned long size, int flags);
long fgetxattr(int descriptor, const char *name, void *value, unsigned long size);
int setxattr(const char *path, const char *name, const void *value, unsigned long size, int flags);
long getxattr(const char *path, const char *name, void *value, unsigned long size);
int removexattr(const char *path, const char *name);

// sync_file_range(2)
int sync_file_range(int descriptor, long offset, long length, unsigned int flags);

// SYNC_FILE_RANGE_WRITE: start writing what is dirty, and don't wait for it.
static inline int clinux_start_writeback(int descriptor, long offset, long length) {
    return sync_file_range(descriptor, offset, length, 2);
}

// mallopt(3)
int mallopt(int parameter, int value);

// M_ARENA_MAX: how many heaps threads share; each keeps for itself what was freed in it.
static inline int clinux_limit_heaps(int count) { return mallopt(-8, count); }

// fallocate(2)
int fallocate(int descriptor, int mode, long offset, long length);

// FALLOC_FL_KEEP_SIZE or none: these bytes have room from now on, and what is there stays.
static inline int clinux_allocate(int descriptor, int keeps_size, long offset, long length) {
    return fallocate(descriptor, keeps_size ? 0x01 : 0, offset, length);
}

// FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE: these bytes are zeros from now on, and take no room.
static inline int clinux_punch_hole(int descriptor, long offset, long length) {
    return fallocate(descriptor, 0x02 | 0x01, offset, length);
}

// SEEK_DATA and SEEK_HOLE of lseek(2)
long lseek(int descriptor, long offset, int whence);
static inline long clinux_next_data(int descriptor, long offset) {
    return lseek(descriptor, offset, 3);
}
static inline long clinux_next_hole(int descriptor, long offset) {
    return lseek(descriptor, offset, 4);
}

// preadv2(2)
struct clinux_piece { void *base; unsigned long length; };
long preadv2(int descriptor, const void *pieces, int count, long offset, int flags);

// RWF_NOWAIT: what the page cache has, and no more.
static inline long clinux_read_cached(int descriptor, void *base, unsigned long length, long offset) {
    struct clinux_piece piece = {base, length};
    return preadv2(descriptor, &piece, 1, offset, 8);
}

// copy_file_range(2)
long copy_file_range(int from, long *from_offset, int to, long *to_offset, unsigned long length, unsigned int flags);

// ioctl_ficlone(2): both files share the bytes until one of them changes.
int ioctl(int descriptor, unsigned long request, ...);
static inline int clinux_clone(int to, int from) {
    return ioctl(to, 0x40049409UL, from);
}

// rename(2), between paths, with the flags RENAME_*
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned int flags);
static inline int clinux_rename(const char *from, const char *to, unsigned int flags) {
    return renameat2(-100, from, -100, to, flags);
}

// pidfd_open(2)
int pidfd_open(int process, unsigned int flags);

// pipe2(2), with O_CLOEXEC
int pipe2(int ends[2], int flags);

static inline int clinux_pipe(int ends[2]) {
    return pipe2(ends, 0x80000);
}

// POSIX_SPAWN_SETSID of posix_spawnattr_setflags(3): the child begins a session of its own.
static inline short clinux_spawn_in_new_session(void) {
    return 0x80;
}

#endif
