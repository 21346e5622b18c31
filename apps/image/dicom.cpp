// DICOM through dcmtk. The only file in C++, since the library is.
//
// Compressed frames are handed out as they are: dcmtk 3.6.7 fills what is missing of a damaged JPEG frame with grey,
// and reads beyond the end of a damaged RLE frame. Items are gone through one after the other and never by index, which
// dcmtk counts from the first one each time: a file of many empty ones would take hours.
#include <cmath>
#include <cstring>
#include <new>

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dccodec.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/oflog/oflog.h>

extern "C" {
#include "fovea/memory.h"
#include "image/dicom.h"
#include "image/dicom_structure.h"
}

struct fovea_dicom {
    DcmFileFormat file;
    struct fovea_dicom_content content;
};

namespace {

/* Once a process: nothing is printed. */
void start_library() {
    static const bool started = [] {
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        return true;
    }();
    (void)started;
}

/* Runs `work`; what it throws becomes an error. */
template <typename Work> enum fv_status guard(const char *name, struct fv_error *error, Work work) {
    try {
        start_library();
        return work();
    } catch (const std::bad_alloc &) {
        return fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
    } catch (...) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged DICOM: it cannot be parsed", name);
    }
}

enum fv_status parse(const char *name, const uint8_t *bytes, size_t size, DcmFileFormat &file, struct fv_error *error) {
    DcmInputBufferStream stream;
    stream.setBuffer(bytes, static_cast<offile_off_t>(size));
    stream.setEos();
    file.transferInit();
    OFCondition condition = file.read(stream);
    file.transferEnd();
    if (condition.bad()) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged DICOM: %s", name, condition.text());
    }
    return FV_OK;
}

OFString text_of(DcmItem &item, const DcmTagKey &tag) {
    OFString text;
    item.findAndGetOFString(tag, text);
    return text;
}

bool is_image(const OFString &kind) {
    static const char *const kinds[] = {
        UID_OphthalmicOpticalCoherenceTomographyEnFaceImageStorage,
        UID_OphthalmicPhotography8BitImageStorage,
        UID_OphthalmicPhotography16BitImageStorage,
        UID_SecondaryCaptureImageStorage,
        UID_MultiframeGrayscaleByteSecondaryCaptureImageStorage,
        UID_MultiframeGrayscaleWordSecondaryCaptureImageStorage,
        UID_MultiframeTrueColorSecondaryCaptureImageStorage,
    };
    for (const char *known : kinds) {
        if (kind == known) {
            return true;
        }
    }
    return false;
}

/* The compressed pixels as they are in the file; NULL if there are none. */
DcmPixelSequence *fragments_of(DcmDataset &data) {
    DcmElement *element = NULL;
    DcmPixelSequence *sequence = NULL;
    if (data.findAndGetElement(DCM_PixelData, element).bad() || element == NULL) {
        return NULL;
    }
    DcmPixelData *pixels = dynamic_cast<DcmPixelData *>(element);
    if (pixels == NULL) {
        return NULL;
    }
    E_TransferSyntax syntax = EXS_Unknown;
    const DcmRepresentationParameter *parameter = NULL;
    pixels->getOriginalRepresentationKey(syntax, parameter);
    pixels->getEncapsulatedRepresentation(syntax, parameter, sequence);
    return sequence;
}

/* The bytes of a fragment of compressed pixels; NULL if it is empty or none. */
const Uint8 *bytes_of(DcmObject *fragment, size_t &size) {
    DcmPixelItem *item = dynamic_cast<DcmPixelItem *>(fragment);
    Uint8 *bytes = NULL;
    size = 0;
    if (item == NULL || item->getUint8Array(bytes).bad() || bytes == NULL) {
        return NULL;
    }
    size = item->getLength();
    return bytes;
}

/* Fragment `index` of compressed pixels, 0 being the table of offsets; NULL if it is not there. */
DcmObject *fragment_at(DcmPixelSequence &sequence, Uint32 index) {
    DcmPixelItem *item = NULL;
    return sequence.getItem(item, index).good() ? item : NULL;
}

/* Cirrus exports say JPEG 2000 and hold bytes that are none. */
bool is_scrambled(DcmDataset &data, const char *syntax) {
    if (text_of(data, DCM_Manufacturer).compare(0, 10, "Carl Zeiss") != 0 ||
        (strcmp(syntax, UID_JPEG2000LosslessOnlyTransferSyntax) != 0 &&
         strcmp(syntax, UID_JPEG2000TransferSyntax) != 0)) {
        return false;
    }
    DcmPixelSequence *sequence = fragments_of(data);
    size_t size = 0;
    const Uint8 *bytes = sequence != NULL ? bytes_of(fragment_at(*sequence, 1), size) : NULL;
    bool file = size >= 8 && memcmp(bytes, "\0\0\0\x0cjP  ", 8) == 0;
    bool stream = size >= 4 && memcmp(bytes, "\xff\x4f\xff\x51", 4) == 0;
    return !file && !stream;
}

enum fv_status refuse_syntax(const char *name, const char *syntax, struct fv_error *error) {
    DcmXfer transfer(syntax);
    return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                        "%s: the DICOM transfer syntax %s (%s) is not read; uncompressed, RLE Lossless and JPEG "
                        "Baseline are",
                        name, transfer.getXfer() == EXS_Unknown ? "of an unknown kind" : transfer.getXferName(),
                        syntax);
}

/* Refuses what is no image that can be an angiogram, and what cannot be decoded. */
enum fv_status check_kind(const char *name, DcmDataset &data, const char *syntax, struct fovea_dicom &result,
                          struct fv_error *error) {
    E_TransferSyntax transfer = syntax[0] != '\0' ? DcmXfer(syntax).getXfer() : data.getOriginalXfer();
    if (is_scrambled(data, syntax)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: vendor-obfuscated DICOM: Carl Zeiss has scrambled its pixels, which only their "
                            "software reads; export it there as an image, or as DICOM without obfuscation",
                            name);
    }
    OFString kind = text_of(data, DCM_SOPClassUID);
    if (!is_image(kind)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: expected an Ophthalmic OCT En Face, Ophthalmic Photography or Secondary Capture "
                            "image, found a DICOM object of the kind %s",
                            name, dcmFindNameOfUID(kind.c_str(), kind.empty() ? "that it does not say" : "unknown"));
    }
    switch (transfer) {
    case EXS_LittleEndianImplicit:
    case EXS_LittleEndianExplicit:
    case EXS_BigEndianExplicit:
        return FV_OK;
    case EXS_JPEGProcess1:
        result.content.coding = FOVEA_DICOM_JPEG;
        return FV_OK;
    case EXS_RLELossless:
        result.content.coding = FOVEA_DICOM_RLE;
        return FV_OK;
    default:
        return refuse_syntax(name, syntax, error);
    }
}

uint32_t number_of(DcmItem &item, const DcmTagKey &tag, uint32_t absent) {
    Uint16 number = 0;
    return item.findAndGetUint16(tag, number).good() ? number : absent;
}

enum fv_status read_layout(const char *name, DcmDataset &data, struct fovea_dicom_content &content,
                           struct fv_error *error) {
    content.rows = number_of(data, DCM_Rows, 0);
    content.columns = number_of(data, DCM_Columns, 0);
    content.samples = number_of(data, DCM_SamplesPerPixel, 1);
    content.allocated = number_of(data, DCM_BitsAllocated, 0);
    content.stored = number_of(data, DCM_BitsStored, content.allocated);
    content.high = number_of(data, DCM_HighBit, content.stored - 1);
    content.planar = number_of(data, DCM_PlanarConfiguration, 0) == 1;
    Sint32 frames = 1;
    if (data.findAndGetSint32(DCM_NumberOfFrames, frames).good() && frames < 1) {
        return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged DICOM: it has %d frames", name, frames);
    }
    content.frames = static_cast<uint32_t>(frames < 1 ? 1 : frames);
    OFString model = text_of(data, DCM_PhotometricInterpretation);
    bool jpeg = content.coding == FOVEA_DICOM_JPEG;
    bool grey = model == "MONOCHROME1" || model == "MONOCHROME2";
    bool colour = model == "RGB" || (jpeg && model.compare(0, 8, "YBR_FULL") == 0);
    content.inverted = model == "MONOCHROME1";
    if (!(grey && content.samples == 1) && !(colour && content.samples == 3)) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: expected a grey or RGB DICOM image, found %u samples a pixel in a colour model that "
                            "is not handled",
                            name, content.samples);
    }
    bool bits = (content.allocated == 8 || (content.allocated == 16 && grey && !jpeg)) && content.stored >= 1 &&
                content.stored <= content.allocated && content.high < content.allocated &&
                content.high + 1 >= content.stored && (grey || content.stored == 8);
    if (!bits || number_of(data, DCM_PixelRepresentation, 0) != 0) {
        return fv_error_set(error, FV_ERROR_UNSUPPORTED,
                            "%s: expected unsigned DICOM pixels of 8 or 16 bits, found %s ones with %u of %u bits "
                            "stored",
                            name, number_of(data, DCM_PixelRepresentation, 0) != 0 ? "signed" : "unsigned",
                            content.stored, content.allocated);
    }
    return FV_OK;
}

/* How stored values are meant to be shown. */
void read_window(DcmDataset &data, struct fovea_dicom_content &content) {
    Float64 level = 0, width = 0, slope = 1, intercept = 0;
    content.slope = 1;
    if (data.findAndGetFloat64(DCM_RescaleSlope, slope).good() &&
        data.findAndGetFloat64(DCM_RescaleIntercept, intercept).good() && std::isfinite(slope) && slope != 0 &&
        std::isfinite(intercept)) {
        content.slope = slope;
        content.intercept = intercept;
    }
    bool window = data.findAndGetFloat64(DCM_WindowCenter, level).good() &&
                  data.findAndGetFloat64(DCM_WindowWidth, width).good() && std::isfinite(level) &&
                  std::isfinite(width) && width >= 1;
    OFString function = text_of(data, DCM_VOILUTFunction);
    content.window_unusual = data.tagExists(DCM_VOILUTSequence) || data.tagExists(DCM_ModalityLUTSequence) ||
                             (window && !function.empty() && function != "LINEAR");
    content.windowed = window && !content.window_unusual && content.samples == 1;
    content.window_level = level;
    content.window_width = width;
}

/* Takes the spacing that `item` says: rows first, so y before x. */
void take_spacing(DcmItem &item, struct fovea_dicom_content &content) {
    Float64 y = 0, x = 0;
    if (!item.tagExistsWithValue(DCM_PixelSpacing)) {
        return;
    }
    bool read = item.findAndGetFloat64(DCM_PixelSpacing, y, 0).good() &&
                item.findAndGetFloat64(DCM_PixelSpacing, x, 1).good() && std::isfinite(x) && std::isfinite(y) &&
                x > 0 && y > 0;
    bool first = content.spacing_x_mm <= 0;
    bool same = std::fabs(x - content.spacing_x_mm) <= 1e-6 * x && std::fabs(y - content.spacing_y_mm) <= 1e-6 * y;
    if (!read || (!first && !same)) {
        content.spacing_unclear = true;
    } else if (first) {
        content.spacing_x_mm = x;
        content.spacing_y_mm = y;
    }
}

void take_laterality(DcmItem &item, const DcmTagKey &tag, struct fovea_dicom_content &content) {
    OFString text = text_of(item, tag);
    char side = text == "R" || text == "OD" ? 'R' : text == "L" || text == "OS" ? 'L' : '\0';
    if (side == '\0') {
        return;
    }
    content.laterality_unclear =
        content.laterality_unclear || (content.laterality != '\0' && content.laterality != side);
    content.laterality = side;
}

/* The functional groups of all frames, or of each. */
void take_groups(DcmDataset &data, const DcmTagKey &sequence, struct fovea_dicom_content &content) {
    DcmSequenceOfItems *frames = NULL;
    DcmItem *item = NULL;
    if (data.findAndGetSequence(sequence, frames).bad() || frames == NULL) {
        return;
    }
    for (DcmObject *object = frames->nextInContainer(NULL); object != NULL; object = frames->nextInContainer(object)) {
        DcmItem *groups = dynamic_cast<DcmItem *>(object);
        if (groups == NULL) {
            continue;
        }
        if (groups->findAndGetSequenceItem(DCM_PixelMeasuresSequence, item).good() && item != NULL) {
            take_spacing(*item, content);
        }
        if (groups->findAndGetSequenceItem(DCM_FrameAnatomySequence, item).good() && item != NULL) {
            take_laterality(*item, DCM_FrameLaterality, content);
        }
    }
}

void read_facts(DcmDataset &data, struct fovea_dicom_content &content) {
    take_spacing(data, content);
    take_laterality(data, DCM_ImageLaterality, content);
    take_laterality(data, DCM_Laterality, content);
    take_groups(data, DCM_SharedFunctionalGroupsSequence, content);
    take_groups(data, DCM_PerFrameFunctionalGroupsSequence, content);
    if (content.spacing_unclear) {
        content.spacing_x_mm = content.spacing_y_mm = 0;
    }
    if (content.laterality_unclear) {
        content.laterality = '\0';
    }
    content.burnt_in = text_of(data, DCM_BurnedInAnnotation) == "YES";
}

enum fv_status open_file(const char *name, const uint8_t *bytes, size_t size, struct fovea_dicom &result,
                         struct fv_error *error) {
    struct fovea_dicom_structure structure;
    enum fv_status status = fovea_dicom_check(name, bytes, size, &structure, error);
    if (status == FV_OK && structure.deflated) {
        return refuse_syntax(name, structure.transfer_syntax, error);
    }
    status = status != FV_OK ? status : parse(name, bytes, size, result.file, error);
    if (status != FV_OK) {
        return status;
    }
    DcmDataset &data = *result.file.getDataset();
    status = check_kind(name, data, structure.transfer_syntax, result, error);
    status = status != FV_OK ? status : read_layout(name, data, result.content, error);
    if (status == FV_OK) {
        read_window(data, result.content);
        read_facts(data, result.content);
    }
    return status;
}

enum fv_status no_pixels(const char *name, const char *what, struct fv_error *error) {
    return fv_error_set(error, FV_ERROR_FORMAT, "%s: damaged DICOM: %s", name, what);
}

/* A copy that C owns. */
enum fv_status allocate(const char *name, size_t size, uint8_t **bytes, struct fv_error *error) {
    *bytes = static_cast<uint8_t *>(fv_allocate(size, 1));
    return *bytes != NULL ? FV_OK : fv_error_set(error, FV_ERROR_MEMORY, "%s: out of memory", name);
}

/* The fragments of a compressed frame, one after the other. */
enum fv_status take_fragments(struct fovea_dicom &file, const char *name, uint32_t frame, uint8_t **bytes, size_t *size,
                              struct fv_error *error) {
    DcmPixelSequence *sequence = fragments_of(*file.file.getDataset());
    Uint32 first = 0, end = 0;
    Sint32 frames = static_cast<Sint32>(file.content.frames);
    if (sequence == NULL || DcmCodec::determineStartFragment(frame, frames, sequence, first).bad()) {
        return no_pixels(name, "the compressed pixels are missing, or do not say where each frame begins", error);
    }
    if (frame + 1 == file.content.frames || DcmCodec::determineStartFragment(frame + 1, frames, sequence, end).bad()) {
        end = static_cast<Uint32>(sequence->card());
    }
    size_t total = 0, used = 0, part = 0;
    DcmObject *fragment = fragment_at(*sequence, first);
    for (Uint32 i = first; i < end && fragment != NULL; i++, fragment = sequence->nextInContainer(fragment)) {
        (void)bytes_of(fragment, part);
        total += part;
    }
    if (total == 0) {
        return no_pixels(name, "the compressed pixels are empty", error);
    }
    enum fv_status status = allocate(name, total, bytes, error);
    fragment = fragment_at(*sequence, first);
    for (Uint32 i = first; i < end && fragment != NULL && status == FV_OK;
         i++, fragment = sequence->nextInContainer(fragment)) {
        const Uint8 *source = bytes_of(fragment, part);
        if (source != NULL) {
            memcpy(*bytes + used, source, part);
            used += part;
        }
    }
    *size = total;
    return status;
}

enum fv_status take_samples(struct fovea_dicom &file, const char *name, uint32_t frame, uint8_t **bytes, size_t *size,
                            struct fv_error *error) {
    DcmDataset &data = *file.file.getDataset();
    const struct fovea_dicom_content &content = file.content;
    DcmElement *pixels = NULL;
    size_t expected = static_cast<size_t>(content.rows) * content.columns * content.samples * (content.allocated / 8);
    if (data.findAndGetElement(DCM_PixelData, pixels).bad() || pixels == NULL) {
        return no_pixels(name, "it has no pixels", error);
    }
    if (pixels->getLength() / content.frames < expected) {
        return no_pixels(name, "it has fewer pixels than its header says", error);
    }
    enum fv_status status = allocate(name, expected + 1, bytes, error); /* dcmtk asks for an even number */
    if (status != FV_OK) {
        return status;
    }
    memset(*bytes, 0, expected + 1);
    Uint32 fragment = 0;
    OFString model;
    OFCondition condition = pixels->getUncompressedFrame(&data, frame, fragment, *bytes,
                                                         static_cast<Uint32>(expected + (expected & 1)), model);
    if (condition.bad()) {
        fv_release(*bytes);
        *bytes = NULL;
        return no_pixels(name, condition.text(), error);
    }
    *size = expected;
    return FV_OK;
}

} // namespace

extern "C" bool fovea_dicom_is_built(void) {
    return true;
}

extern "C" const char *fovea_dicom_library(void) {
    return "dcmtk " OFFIS_DCMTK_VERSION_STRING;
}

extern "C" enum fv_status fovea_dicom_open(const char *name, const uint8_t *bytes, size_t size,
                                           struct fovea_dicom **file, struct fovea_dicom_content *content,
                                           struct fv_error *error) {
    *file = NULL;
    *content = fovea_dicom_content();
    struct fovea_dicom *made = NULL;
    enum fv_status status = guard(name, error, [&] {
        made = new struct fovea_dicom();
        return open_file(name, bytes, size, *made, error);
    });
    if (status != FV_OK) {
        fovea_dicom_close(made);
        return status;
    }
    *file = made;
    *content = made->content;
    return FV_OK;
}

extern "C" enum fv_status fovea_dicom_take_frame(struct fovea_dicom *file, const char *name, uint32_t frame,
                                                 uint8_t **bytes, size_t *size, struct fv_error *error) {
    *bytes = NULL;
    *size = 0;
    enum fv_status status = guard(name, error, [&] {
        return file->content.coding == FOVEA_DICOM_PLAIN ? take_samples(*file, name, frame, bytes, size, error)
                                                         : take_fragments(*file, name, frame, bytes, size, error);
    });
    if (status != FV_OK) {
        fv_release(*bytes);
        *bytes = NULL;
    }
    return status;
}

extern "C" void fovea_dicom_close(struct fovea_dicom *file) {
    try {
        delete file;
    } catch (...) {
        return; /* nothing is left to be done about it */
    }
}
