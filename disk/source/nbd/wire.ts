/**
 * The numbers of the NBD protocol, for the client here and the server that exports points.
 * Source: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, whose names are kept.
 */

/** Default and largest payload of one request: qemu's NBD_MAX_BUFFER_SIZE, and what the spec tells clients to assume. */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024;
/** NBD_MAX_STRING: the longest name or message the spec allows. */
export const MAX_STRING_BYTES = 4096;

export const NBDMAGIC = 0x4e42444d41474943n;
export const IHAVEOPT = 0x49484156454f5054n;
export const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

export const GREETING_BYTES = 18;
/** Before an option's data. */
export const OPTION_BYTES = 16;
export const OPTION_REPLY_BYTES = 20;
export const REQUEST_BYTES = 28;
export const SIMPLE_REPLY_BYTES = 16;
export const STRUCTURED_REPLY_BYTES = 20;

/** Handshake and client flags alike. */
export const FLAG_FIXED_NEWSTYLE = 1;
export const FLAG_NO_ZEROES = 2;

/** Transmission flags. */
export const FLAG_HAS_FLAGS = 1;
export const FLAG_READ_ONLY = 2;
export const FLAG_SEND_DF = 1 << 7;
export const FLAG_CAN_MULTI_CONN = 1 << 8;
export const FLAG_SEND_CACHE = 1 << 10;

export const OPT_EXPORT_NAME = 1;
export const OPT_ABORT = 2;
export const OPT_LIST = 3;
export const OPT_INFO = 6;
export const OPT_GO = 7;
export const OPT_STRUCTURED_REPLY = 8;
export const OPT_LIST_META_CONTEXT = 9;
export const OPT_SET_META_CONTEXT = 10;

export const REP_ACK = 1;
export const REP_SERVER = 2;
export const REP_INFO = 3;
export const REP_META_CONTEXT = 4;
export const REP_ERR_BIT = 0x80000000;
export const REP_ERR_UNSUP = 0x80000001;
export const REP_ERR_INVALID = 0x80000003;
export const REP_ERR_UNKNOWN = 0x80000006;
export const REP_ERR_TOO_BIG = 0x80000009;

export const INFO_EXPORT = 0;
export const INFO_NAME = 1;
export const INFO_DESCRIPTION = 2;
export const INFO_BLOCK_SIZE = 3;

export const CMD_READ = 0;
export const CMD_WRITE = 1;
export const CMD_DISC = 2;
export const CMD_TRIM = 4;
export const CMD_CACHE = 5;
export const CMD_WRITE_ZEROES = 6;
export const CMD_BLOCK_STATUS = 7;

export const CMD_FLAG_DF = 1 << 2;
export const CMD_FLAG_REQ_ONE = 1 << 3;

export const REPLY_FLAG_DONE = 1;
export const REPLY_NONE = 0;
export const REPLY_OFFSET_DATA = 1;
export const REPLY_OFFSET_HOLE = 2;
export const REPLY_BLOCK_STATUS = 5;
export const REPLY_ERROR_BIT = 0x8000;
export const REPLY_ERROR = 0x8001;
export const REPLY_ERROR_OFFSET = 0x8002;

export const BASE_ALLOCATION = "base:allocation";
/** `base:allocation`: nothing is allocated for the range. */
export const STATE_HOLE = 1;
/** `base:allocation`: the range reads as zeroes. */
export const STATE_ZERO = 2;

export const EPERM = 1;
export const EIO = 5;
export const EINVAL = 22;
