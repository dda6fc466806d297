import Testing
import UploadCore

@Suite("What is told of listings") struct ListingBoardTests {
    private let board = ListingBoard()

    private var overview: StatusOverview {
        let moment = Timestamp(seconds: 1_750_000_000)
        var overview = StatusOverview(
            taken: moment, started: moment, process: 1, destination: "s3://b", totals: StatusOverview.Totals(),
            files: [])
        overview.listing = board.overview
        return overview
    }

    @Test("Directories that are being listed, why one was not, and what can't be shown are in status")
    func rendered() throws {
        let quiet = StatusTable.render(overview)
        let path = try UploadPath("a\nb/c")
        board.began(path)
        board.began(UploadPath([]))
        #expect(StatusTable.render(overview).contains("LISTING: /a\\nb/c, /\n"))
        #expect(StatusJSON.render(overview).contains(#""a\nb/c""#))
        let failure = FailureSentences.listing(.forbidden(status: 403, detail: "AccessDenied"))
        #expect(board.failed(failure))
        #expect(!board.failed(failure), "that is no news")
        #expect(StatusTable.render(overview).contains("NOT LISTED: Our credentials may not list"))
        #expect(StatusJSON.render(overview).contains("list-denied"))
        for directory in [path, UploadPath([])] { board.ended(directory) }
        let leftOut = StatusOverview.Listing.LeftOut(directory: path, count: 2, example: "x//y\n")
        board.succeeded(path, leftOut: leftOut)
        #expect(StatusTable.render(overview).contains("2 of the names at the destination in a\\nb/c can't be shown"))
        #expect(StatusTable.render(overview).contains("for example x//y\\n.\n"))
        board.succeeded(UploadPath([]), leftOut: nil)
        #expect(board.overview.leftOut == leftOut)
        board.succeeded(path, leftOut: nil)
        #expect(StatusTable.render(overview) == quiet)
    }
}
