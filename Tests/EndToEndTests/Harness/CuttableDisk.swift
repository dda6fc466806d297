import Glibc
import TestSupport
import Testing

/// A disk that can be cut off: an ext4 in a file. Needs root.
final class CuttableDisk {
    private let image: String
    let place: String

    /// - Parameter image: nil: a new, empty one.
    init(_ scene: Scene, _ name: String, image: String? = nil) throws {
        place = scene.directory.file(name)
        self.image = image ?? scene.directory.file(name + ".image")
        mkdir(place, 0o700)
        if image == nil {
            try Shell.must("truncate -s 512M \(self.image) && mkfs.ext4 -q -F \(self.image)")
        }
        // Nothing gets there by itself as long as a test takes.
        try Shell.must("mount -o loop,commit=300 \(self.image) \(place)")
    }

    /// Lazily: its last descriptors may be closed after this.
    func unmount() {
        #expect(umount2(place, Int32(MNT_DETACH)) == 0)
    }

    /// What it has at this moment, as a disk of its own.
    func cut(_ scene: Scene, _ name: String) throws -> CuttableDisk {
        let copy = scene.directory.file(name + ".image")
        try Shell.must("cp --sparse=always \(image) \(copy)")
        return try CuttableDisk(scene, name, image: copy)
    }

    /// Another run of the machine finds it.
    func rebooted() throws {
        let journal = place + "/state/journal.sqlite"
        guard access(journal, F_OK) == 0 else { return }
        // Not if the journal's tables never got there.
        try Shell.must("sqlite3 \(journal) \"UPDATE fact SET value = 'another' WHERE name = 'boot'\" 2>&1 || true")
    }
}
