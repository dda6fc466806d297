import Testing
import UploadCore

@Suite struct ShelfTests {
    @Test("It knows what is on it, how much that is, and what came first")
    func counts() {
        var shelf = Shelf()
        for number in [5, 3, 4, 9, 3] as [Int64] { shelf.put(VersionID(number), bytes: number) }
        #expect(shelf.count == 4)
        #expect(shelf.bytes == 21)
        #expect(shelf.versions.ranges.count == 2, "neighbours cost nothing")
        #expect(shelf.first(3).map(\.rawValue) == [3, 4, 5])
        #expect(shelf.first(0).isEmpty)
        shelf.take(VersionID(4), bytes: 4)
        shelf.take(VersionID(4), bytes: 4)
        #expect(!shelf.contains(VersionID(4)) && shelf.contains(VersionID(5)))
        #expect(shelf.count == 3)
        #expect(shelf.bytes == 17)
        // Of the others nobody knows any more how much they were.
        for number in [3, 5, 9] as [Int64] { shelf.take(VersionID(number), bytes: 0) }
        #expect(shelf.isEmpty)
        #expect(shelf.bytes == 0)
    }
}
