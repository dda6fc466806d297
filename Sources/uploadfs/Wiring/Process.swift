import CLinux
import Glibc

/// What a long-running process asks of the system before it begins.
enum Process {
    /// Files are the owner's only; broken pipes are errors, not ends; as many descriptors as allowed; and a heap
    /// for each core up to eight, not for each of the threads, most of which wait.
    static func prepare() {
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        if getenv("MALLOC_ARENA_MAX") == nil {
            _ = clinux_limit_heaps(Int32(clamping: min(max(2, sysconf(Int32(_SC_NPROCESSORS_ONLN))), 8)))
        }
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
