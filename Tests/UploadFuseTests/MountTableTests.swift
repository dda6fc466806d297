import Testing

@testable import UploadFuse

@Suite("What /proc/self/mountinfo says")
struct MountTableTests {
    @Test("The topmost mount at a place, with odd characters in its path")
    func lines() {
        let table = MountTable(
            """
            22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
            40 22 0:51 / /mnt/a\\040b rw,nosuid shared:7 master:2 - tmpfs tmpfs rw
            41 40 0:52 / /mnt/a\\040b rw,nosuid - fuse.uploadfs here\\134 rw,user_id=0
            not a line
            """)
        #expect(table.lines.count == 3)
        #expect(table.last(at: "/mnt/a b") == MountTable.Line(minor: 52, mountpoint: "/mnt/a b", type: "fuse.uploadfs"))
        #expect(table.last(at: "/mnt") == nil)
        #expect(table.covering("/mnt/a b/c")?.minor == 52 && table.covering("/mnt/a b")?.minor == 52)
        #expect(table.covering("/mnt/a bc")?.type == "ext4" && table.covering("/")?.type == "ext4")
    }
}
