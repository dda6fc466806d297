import UploadCore
import UploadFuse

/// What is missing on this machine, and the command that mends it.
enum MachineChecks {
    static func checks(_ facts: MachineFacts) -> [DoctorCheck] {
        [device(facts), helper(facts), kernel(facts.kernel), .ok("libfuse", "Version \(facts.libfuse).")]
            + state(facts.state)
    }

    private static func device(_ facts: MachineFacts) -> DoctorCheck {
        let name = "/dev/fuse"
        let container =
            "docker run --device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor=unconfined …"
        switch facts.device {
        case nil: return .ok(name, "It can be opened.")
        case .deviceNotAccessible:
            return .fail(name, "This user may not open it.", facts.isContainer ? container : "sudo chmod 666 /dev/fuse")
        case .some:
            return .fail(
                name, "It is not there: nothing can be mounted.",
                facts.isContainer ? container : "sudo modprobe fuse")
        }
    }

    /// root mounts by itself, others by fusermount3.
    private static func helper(_ facts: MachineFacts) -> DoctorCheck {
        if facts.isRoot {
            let name = "mount(2)"
            guard !facts.mayMount else { return .ok(name, "root may mount.") }
            return .fail(
                name, "This root may not mount: it lacks CAP_SYS_ADMIN.",
                "docker run --device /dev/fuse --cap-add SYS_ADMIN --security-opt apparmor=unconfined …")
        }
        let name = "fusermount3"
        guard let helper = facts.helper else {
            return .fail(
                name, "It is not on PATH, and who is not root can't mount without it.", "sudo apt install fuse3")
        }
        guard helper.isPrivileged else {
            return .fail(
                name, "\(helper.path) is not set-user-ID root, so it may not mount.",
                "sudo chown root \(helper.path) && sudo chmod u+s \(helper.path)")
        }
        guard !facts.isHelperConfined else {
            return .warn(
                name, "\(helper.path) is there; AppArmor says where it may mount (/etc/apparmor.d/fusermount3).",
                "Choose a mountpoint below the home directory, /mnt or /media.")
        }
        return .ok(name, "\(helper.path) is there.")
    }

    private static func kernel(_ release: String) -> DoctorCheck {
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        let isOld = numbers.count == 2 && (numbers[0], numbers[1]) < (4, 20)
        guard isOld else { return .ok("kernel", "Linux \(release).") }
        return .warn(
            "kernel", "Linux \(release) takes no more than 128 KiB of a write at once: before 4.20 writing is slower.",
            "Use a newer kernel.")
    }

    private static func state(_ place: MachineFacts.StatePlace) -> [DoctorCheck] {
        let name = "state directory"
        let another = "Name another place with --state-dir, or set XDG_STATE_HOME."
        if let problem = place.problem {
            return [.fail(name, "\(place.path) can't be written: \(problem).", another)]
        }
        guard place.type != MountpointCheck.fileSystemType else {
            return [.fail(name, "\(place.path) lies inside a mount of uploadfs.", another)]
        }
        let free = "\(ByteFormat.text(place.free)) are free"
        let room: DoctorCheck =
            switch place.free {
            case ..<SpoolLimit.least: .fail(name, "\(place.path): only \(free), too little for a spool.", another)
            case ..<1_000_000_000:
                .warn(
                    name, "\(place.path): only \(free). What is written faster than it goes up waits for room.", another
                )
            default: .ok(name, "\(place.path) can be written, \(free).")
            }
        return [room] + (filesystem(place).map { [$0] } ?? [])
    }

    /// What it means for what is to be kept.
    private static func filesystem(_ place: MachineFacts.StatePlace) -> DoctorCheck? {
        let name = "its filesystem"
        let another = "Name a place on a local disk with --state-dir, or set XDG_STATE_HOME."
        switch place.type {
        case "tmpfs", "ramfs":
            return .warn(
                name, "It is in memory (\(place.type)): what is not uploaded yet is lost with the next restart.",
                another)
        case "overlay":
            return .warn(
                name, "It is a container's own: what is not uploaded yet is lost with the container.",
                "Give the container a volume, and name it with --state-dir.")
        case "nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs":
            return .warn(
                name,
                "It is another machine's (\(place.type)): SQLite's locks do not hold there, and the journal may be "
                    + "damaged.", another)
        default: return nil
        }
    }
}
