import FoundationEssentials
import Glibc
import UploadFuse

/// What this machine is like, as far as a mount needs something of it.
struct MachineFacts: Sendable {
    struct MountHelper: Sendable {
        let path: String
        /// It can do for others what only root may.
        let isPrivileged: Bool
    }

    struct StatePlace: Sendable {
        /// The state directory, or the directory that it would be made in.
        let path: String
        /// nil: it can be written.
        let problem: String?
        let free: Int64
        /// The filesystem's type, as mount(8) shows it; "" when that can't be told.
        let type: String
    }

    let isRoot: Bool
    let isContainer: Bool
    /// CAP_SYS_ADMIN.
    let mayMount: Bool
    /// nil: /dev/fuse can be opened.
    let device: MountError?
    /// fusermount3, if it is on PATH.
    let helper: MountHelper?
    /// An AppArmor profile says where fusermount3 may mount.
    let isHelperConfined: Bool
    let libfuse: String
    /// As uname(2) has it.
    let kernel: String
    let state: StatePlace

    /// - Parameter state: the directory below which states are kept.
    init(state: String) {
        isRoot = geteuid() == 0
        isContainer = access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0
        mayMount = Self.capabilities & 1 << 21 != 0
        do throws(MountError) {
            try MountpointCheck.checkDevice()
            device = nil
        } catch {
            device = error
        }
        helper = Self.findHelper()
        isHelperConfined =
            access("/etc/apparmor.d/fusermount3", F_OK) == 0 && access("/sys/module/apparmor", F_OK) == 0
            && access("/etc/apparmor.d/disable/fusermount3", F_OK) != 0
        libfuse = Libfuse.version
        var name = utsname()
        uname(&name)
        kernel = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        self.state = Self.place(of: state)
    }

    init(
        isRoot: Bool, isContainer: Bool, mayMount: Bool, device: MountError?, helper: MountHelper?,
        isHelperConfined: Bool, libfuse: String, kernel: String, state: StatePlace
    ) {
        self.isRoot = isRoot
        self.isContainer = isContainer
        self.mayMount = mayMount
        self.device = device
        self.helper = helper
        self.isHelperConfined = isHelperConfined
        self.libfuse = libfuse
        self.kernel = kernel
        self.state = state
    }

    /// The effective ones, as proc_pid_status(5) has them.
    private static var capabilities: UInt64 {
        guard let status = try? SmallFile.read("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let digits = line.split(whereSeparator: \.isWhitespace).last
        else { return 0 }
        return UInt64(digits, radix: 16) ?? 0
    }

    private static func findHelper() -> MountHelper? {
        for directory in (Environment.value("PATH") ?? "/usr/bin:/bin").split(separator: ":") {
            let path = "\(directory)/fusermount3"
            var status = stat()
            guard access(path, X_OK) == 0, stat(path, &status) == 0 else { continue }
            return MountHelper(path: path, isPrivileged: status.st_mode & 0o4000 != 0 && status.st_uid == 0)
        }
        return nil
    }

    private static func place(of directory: String) -> StatePlace {
        var path = directory
        while access(path, F_OK) != 0, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            path = String(path[..<slash])
        }
        if access(path, F_OK) != 0 { path = "/" }
        let problem = access(path, W_OK | X_OK) == 0 ? nil : String(cString: strerror(errno))
        var status = statvfs()
        let free =
            statvfs(path, &status) == 0 ? Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize)) : 0
        let type = MountTable.current().covering(Paths.absolute(path))?.type ?? ""
        return StatePlace(path: path, problem: problem, free: free, type: type)
    }
}
