import Glibc

/// What a long-running process asks of the system before it begins.
enum Process {
    /// Files are the owner's only; broken pipes are errors, not ends; as many descriptors as allowed.
    static func prepare() {
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
