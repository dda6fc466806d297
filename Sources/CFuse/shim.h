#ifndef UPLOADFS_CFUSE_SHIM_H
#define UPLOADFS_CFUSE_SHIM_H

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <stdio.h>

/* fuse_session_loop_mt is a macro or a versioned symbol, by how libfuse was built.
   Returns 0 after an unmount, -errno when a read of the device failed. */
static inline int uploadfs_session_loop(struct fuse_session *session, int clone_fd, unsigned int max_threads)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    int result;
    if (!config)
        return -12; /* ENOMEM */
    fuse_loop_cfg_set_clone_fd(config, clone_fd);
    fuse_loop_cfg_set_max_threads(config, max_threads);
    /* Never let idle threads go: making them anew costs more than keeping them. */
    fuse_loop_cfg_set_idle_threads(config, max_threads);
    result = fuse_session_loop_mt(session, config);
    fuse_loop_cfg_destroy(config);
    return result;
}

/* libfuse logs with a va_list, which Swift can't take apart. Implemented in LibfuseLog.swift. */
extern void uploadfs_libfuse_log(int level, const char *line);

static void uploadfs_libfuse_format(enum fuse_log_level level, const char *format, va_list arguments)
{
    char line[512];
    vsnprintf(line, sizeof line, format, arguments);
    uploadfs_libfuse_log((int)level, line);
}

static inline void uploadfs_take_libfuse_log(void)
{
    fuse_set_log_func(uploadfs_libfuse_format);
}

#endif
