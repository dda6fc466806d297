package import UploadCore

/// What a mount is told. The same value makes the `Namespace` and the `MountedFileSystem`.
package struct MountConfiguration: Sendable {
    /// Where to mount, as the user wrote it.
    package var mountpoint: String
    /// What `mount` and `df` show as the source; no credentials in it.
    package var destination: String
    package var classifier: NameClassifier
    /// How files of a content type are cut into chunks.
    package var schedule: @Sendable (_ contentType: String) -> ChunkSchedule
    /// Bytes; nil while nobody knows of a limit. Asked at each write, since the destination may tell it late.
    package var maximumFileSize: @Sendable () -> Int64?
    /// Content types that are taken. Asked at each new name, since the destination may tell them late.
    package var types: @Sendable () -> [ContentRules] = { [] }
    /// `.uploadfs` shows in `ls -a` of the root.
    package var showStatusDirectory: Bool
    /// Who owns the root directory (when it is made) and the status files.
    package var owner: UInt32
    package var group: UInt32
    /// Who writes; nil: a file is published even if its writer was killed.
    var processes: ProcessTable? = .system
    /// What a killed writer left is published as if it had closed it.
    package var publishesTorn: Bool {
        get { processes == nil }
        set { processes = newValue ? nil : .system }
    }
    /// A symbolic link to a file of this mount is published as that file.
    package var followsSymlinks = false
    /// What is published can be copied to another name at the destination, and deleted: a rename of it is carried out.
    package var canMove: @Sendable () -> Bool = { false }
    /// What is published may be unlinked: its object is deleted.
    package var mayDelete: @Sendable () -> Bool = { false }
    /// A close is on stable storage before it is answered.
    package var closesDurably = false
    /// How what lies at the destination is seen; nil: only what was written here is.
    package var listing: ListingConfiguration?
    /// Whether bytes come from the kernel through a pipe. For cp of 1 GiB it takes the daemon 1.1 s of
    /// CPU with and 1.3 s without on tmpfs, 2.2 s and 2.6 s on a disk; for writes of 4 KiB the same.
    package var splicesWrites = true

    package init(
        mountpoint: String, destination: String, classifier: NameClassifier = NameClassifier(),
        schedule: @escaping @Sendable (_ contentType: String) -> ChunkSchedule,
        maximumFileSize: @escaping @Sendable () -> Int64? = { nil }, showStatusDirectory: Bool = false,
        owner: UInt32, group: UInt32
    ) {
        self.mountpoint = mountpoint
        self.destination = destination
        self.classifier = classifier
        self.schedule = schedule
        self.maximumFileSize = maximumFileSize
        self.showStatusDirectory = showStatusDirectory
        self.owner = owner
        self.group = group
    }

    func allowsType(_ type: String) -> Bool { types().allSatisfy { $0.allow(type) } }

    func restrictsTypes() -> Bool { types().contains { !$0.patterns.isEmpty } }
}
