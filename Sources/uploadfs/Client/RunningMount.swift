import UploadFuse

/// A mount that is there.
enum RunningMount {
    /// The mountpoint's absolute path, if an uploadfs is mounted there.
    /// - Throws: CommandFailure (1) when none is.
    static func mountpoint(_ path: String) throws(CommandFailure) -> String {
        let absolute = Paths.absolute(path)
        guard MountTable.current().last(at: absolute)?.type == MountpointCheck.fileSystemType else {
            throw CommandFailure(
                .failure,
                "No uploadfs is mounted on \(path). \"mount -t \(MountpointCheck.fileSystemType)\" lists those there are."
            )
        }
        return absolute
    }
}
