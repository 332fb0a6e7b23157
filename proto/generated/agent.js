/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from "protobufjs/minimal.js";

// Common aliases
const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError, $TypeError = $util.global.TypeError, $String = $util.global.String, $Number = $util.global.Number, $Boolean = $util.global.Boolean, $parseInt = $util.global.parseInt, $Array = $util.global.Array, $BigInt = $util.global.BigInt, $isFinite = $util.global.isFinite;

// Exported root namespace
const $root = $protobuf.roots["default"] || ($protobuf.roots["default"] = {});

export const umbra = $root.umbra = (() => {

    /**
     * Namespace umbra.
     * @exports umbra
     * @namespace
     */
    const umbra = {};

    umbra.v1 = (function() {

        /**
         * Namespace v1.
         * @memberof umbra
         * @namespace
         */
        const v1 = {};

        v1.Collector = (function() {

            /**
             * Constructs a new Collector service.
             * @memberof umbra.v1
             * @classdesc Represents a Collector
             * @extends $protobuf.rpc.Service
             * @constructor
             * @param {$protobuf.RPCImpl} rpcImpl RPC implementation
             * @param {boolean} [requestDelimited=false] Whether requests are length-delimited
             * @param {boolean} [responseDelimited=false] Whether responses are length-delimited
             */
            const Collector = function(rpcImpl, requestDelimited, responseDelimited) {
                $protobuf.rpc.Service.call(this, rpcImpl, requestDelimited, responseDelimited);
            };

            $Object.defineProperty(Collector.prototype = $Object.create($protobuf.rpc.Service.prototype), "constructor", { value: Collector, writable: true, enumerable: false, configurable: true });

            /**
             * Creates new Collector service using the specified rpc implementation.
             * @function create
             * @memberof umbra.v1.Collector
             * @static
             * @param {$protobuf.RPCImpl} rpcImpl RPC implementation
             * @param {boolean} [requestDelimited=false] Whether requests are length-delimited
             * @param {boolean} [responseDelimited=false] Whether responses are length-delimited
             * @returns {Collector} RPC service. Useful where requests and/or responses are streamed.
             */
            Collector.create = function(rpcImpl, requestDelimited, responseDelimited) {
                return new this(rpcImpl, requestDelimited, responseDelimited);
            };

            /**
             * Callback as used by {@link umbra.v1.Collector#session}.
             * @memberof umbra.v1.Collector
             * @typedef SessionCallback
             * @type {function}
             * @param {Error|null} error Error, if any
             * @param {umbra.v1.CollectorMessage} [response] CollectorMessage
             */

            /**
             * Calls Session.
             * @memberof umbra.v1.Collector
             * @typedef Session
             * @type {{
             *   (request: umbra.v1.IAgentMessage, callback: umbra.v1.Collector.SessionCallback): void;
             *   (request: umbra.v1.IAgentMessage): Promise<umbra.v1.CollectorMessage>;
             *   readonly name: "Session";
             *   readonly path: "/umbra.v1.Collector/Session";
             *   readonly requestType: "AgentMessage";
             *   readonly responseType: "CollectorMessage";
             *   readonly requestStream: true;
             *   readonly responseStream: true;
             * }}
             */

            /**
             * Calls Session.
             * @name umbra.v1.Collector#session
             * @type {umbra.v1.Collector.Session}
             */
            $Object.defineProperties(Collector.prototype.session = function(request, callback) {
                return $protobuf.rpc.Service.prototype.rpcCall.call(this, Collector.prototype.session, $root.umbra.v1.AgentMessage, $root.umbra.v1.CollectorMessage, request, callback);
            }, {
                name: { value: "Session" },
                path: { value: "/umbra.v1.Collector/Session" },
                requestType: { value: "AgentMessage" },
                responseType: { value: "CollectorMessage" },
                requestStream: { value: true },
                responseStream: { value: true }
            });

            /**
             * Callback as used by {@link umbra.v1.Collector#offer}.
             * @memberof umbra.v1.Collector
             * @typedef OfferCallback
             * @type {function}
             * @param {Error|null} error Error, if any
             * @param {umbra.v1.ChunkNeed} [response] ChunkNeed
             */

            /**
             * Calls Offer.
             * @memberof umbra.v1.Collector
             * @typedef Offer
             * @type {{
             *   (request: umbra.v1.IChunkOffer, callback: umbra.v1.Collector.OfferCallback): void;
             *   (request: umbra.v1.IChunkOffer): Promise<umbra.v1.ChunkNeed>;
             *   readonly name: "Offer";
             *   readonly path: "/umbra.v1.Collector/Offer";
             *   readonly requestType: "ChunkOffer";
             *   readonly responseType: "ChunkNeed";
             *   readonly requestStream: undefined;
             *   readonly responseStream: undefined;
             * }}
             */

            /**
             * Calls Offer.
             * @name umbra.v1.Collector#offer
             * @type {umbra.v1.Collector.Offer}
             */
            $Object.defineProperties(Collector.prototype.offer = function(request, callback) {
                return $protobuf.rpc.Service.prototype.rpcCall.call(this, Collector.prototype.offer, $root.umbra.v1.ChunkOffer, $root.umbra.v1.ChunkNeed, request, callback);
            }, {
                name: { value: "Offer" },
                path: { value: "/umbra.v1.Collector/Offer" },
                requestType: { value: "ChunkOffer" },
                responseType: { value: "ChunkNeed" },
                requestStream: { value: $undefined },
                responseStream: { value: $undefined }
            });

            /**
             * Callback as used by {@link umbra.v1.Collector#upload}.
             * @memberof umbra.v1.Collector
             * @typedef UploadCallback
             * @type {function}
             * @param {Error|null} error Error, if any
             * @param {umbra.v1.ChunkBatchAck} [response] ChunkBatchAck
             */

            /**
             * Calls Upload.
             * @memberof umbra.v1.Collector
             * @typedef Upload
             * @type {{
             *   (request: umbra.v1.IChunkBatch, callback: umbra.v1.Collector.UploadCallback): void;
             *   (request: umbra.v1.IChunkBatch): Promise<umbra.v1.ChunkBatchAck>;
             *   readonly name: "Upload";
             *   readonly path: "/umbra.v1.Collector/Upload";
             *   readonly requestType: "ChunkBatch";
             *   readonly responseType: "ChunkBatchAck";
             *   readonly requestStream: true;
             *   readonly responseStream: true;
             * }}
             */

            /**
             * Calls Upload.
             * @name umbra.v1.Collector#upload
             * @type {umbra.v1.Collector.Upload}
             */
            $Object.defineProperties(Collector.prototype.upload = function(request, callback) {
                return $protobuf.rpc.Service.prototype.rpcCall.call(this, Collector.prototype.upload, $root.umbra.v1.ChunkBatch, $root.umbra.v1.ChunkBatchAck, request, callback);
            }, {
                name: { value: "Upload" },
                path: { value: "/umbra.v1.Collector/Upload" },
                requestType: { value: "ChunkBatch" },
                responseType: { value: "ChunkBatchAck" },
                requestStream: { value: true },
                responseStream: { value: true }
            });

            /**
             * Callback as used by {@link umbra.v1.Collector#submit}.
             * @memberof umbra.v1.Collector
             * @typedef SubmitCallback
             * @type {function}
             * @param {Error|null} error Error, if any
             * @param {umbra.v1.SubmitResult} [response] SubmitResult
             */

            /**
             * Calls Submit.
             * @memberof umbra.v1.Collector
             * @typedef Submit
             * @type {{
             *   (request: umbra.v1.IChangesetPart, callback: umbra.v1.Collector.SubmitCallback): void;
             *   (request: umbra.v1.IChangesetPart): Promise<umbra.v1.SubmitResult>;
             *   readonly name: "Submit";
             *   readonly path: "/umbra.v1.Collector/Submit";
             *   readonly requestType: "ChangesetPart";
             *   readonly responseType: "SubmitResult";
             *   readonly requestStream: true;
             *   readonly responseStream: undefined;
             * }}
             */

            /**
             * Calls Submit.
             * @name umbra.v1.Collector#submit
             * @type {umbra.v1.Collector.Submit}
             */
            $Object.defineProperties(Collector.prototype.submit = function(request, callback) {
                return $protobuf.rpc.Service.prototype.rpcCall.call(this, Collector.prototype.submit, $root.umbra.v1.ChangesetPart, $root.umbra.v1.SubmitResult, request, callback);
            }, {
                name: { value: "Submit" },
                path: { value: "/umbra.v1.Collector/Submit" },
                requestType: { value: "ChangesetPart" },
                responseType: { value: "SubmitResult" },
                requestStream: { value: true },
                responseStream: { value: $undefined }
            });

            /**
             * Callback as used by {@link umbra.v1.Collector#points}.
             * @memberof umbra.v1.Collector
             * @typedef PointsCallback
             * @type {function}
             * @param {Error|null} error Error, if any
             * @param {umbra.v1.PointsPage} [response] PointsPage
             */

            /**
             * Calls Points.
             * @memberof umbra.v1.Collector
             * @typedef Points
             * @type {{
             *   (request: umbra.v1.IPointsQuery, callback: umbra.v1.Collector.PointsCallback): void;
             *   (request: umbra.v1.IPointsQuery): Promise<umbra.v1.PointsPage>;
             *   readonly name: "Points";
             *   readonly path: "/umbra.v1.Collector/Points";
             *   readonly requestType: "PointsQuery";
             *   readonly responseType: "PointsPage";
             *   readonly requestStream: undefined;
             *   readonly responseStream: undefined;
             * }}
             */

            /**
             * Calls Points.
             * @name umbra.v1.Collector#points
             * @type {umbra.v1.Collector.Points}
             */
            $Object.defineProperties(Collector.prototype.points = function(request, callback) {
                return $protobuf.rpc.Service.prototype.rpcCall.call(this, Collector.prototype.points, $root.umbra.v1.PointsQuery, $root.umbra.v1.PointsPage, request, callback);
            }, {
                name: { value: "Points" },
                path: { value: "/umbra.v1.Collector/Points" },
                requestType: { value: "PointsQuery" },
                responseType: { value: "PointsPage" },
                requestStream: { value: $undefined },
                responseStream: { value: $undefined }
            });

            /**
             * Callback as used by {@link umbra.v1.Collector#openPoint}.
             * @memberof umbra.v1.Collector
             * @typedef OpenPointCallback
             * @type {function}
             * @param {Error|null} error Error, if any
             * @param {umbra.v1.PointContents} [response] PointContents
             */

            /**
             * Calls OpenPoint.
             * @memberof umbra.v1.Collector
             * @typedef OpenPoint
             * @type {{
             *   (request: umbra.v1.IPointTicket, callback: umbra.v1.Collector.OpenPointCallback): void;
             *   (request: umbra.v1.IPointTicket): Promise<umbra.v1.PointContents>;
             *   readonly name: "OpenPoint";
             *   readonly path: "/umbra.v1.Collector/OpenPoint";
             *   readonly requestType: "PointTicket";
             *   readonly responseType: "PointContents";
             *   readonly requestStream: undefined;
             *   readonly responseStream: undefined;
             * }}
             */

            /**
             * Calls OpenPoint.
             * @name umbra.v1.Collector#openPoint
             * @type {umbra.v1.Collector.OpenPoint}
             */
            $Object.defineProperties(Collector.prototype.openPoint = function(request, callback) {
                return $protobuf.rpc.Service.prototype.rpcCall.call(this, Collector.prototype.openPoint, $root.umbra.v1.PointTicket, $root.umbra.v1.PointContents, request, callback);
            }, {
                name: { value: "OpenPoint" },
                path: { value: "/umbra.v1.Collector/OpenPoint" },
                requestType: { value: "PointTicket" },
                responseType: { value: "PointContents" },
                requestStream: { value: $undefined },
                responseStream: { value: $undefined }
            });

            /**
             * Callback as used by {@link umbra.v1.Collector#readBlocks}.
             * @memberof umbra.v1.Collector
             * @typedef ReadBlocksCallback
             * @type {function}
             * @param {Error|null} error Error, if any
             * @param {umbra.v1.BlocksPart} [response] BlocksPart
             */

            /**
             * Calls ReadBlocks.
             * @memberof umbra.v1.Collector
             * @typedef ReadBlocks
             * @type {{
             *   (request: umbra.v1.IBlocksQuery, callback: umbra.v1.Collector.ReadBlocksCallback): void;
             *   (request: umbra.v1.IBlocksQuery): Promise<umbra.v1.BlocksPart>;
             *   readonly name: "ReadBlocks";
             *   readonly path: "/umbra.v1.Collector/ReadBlocks";
             *   readonly requestType: "BlocksQuery";
             *   readonly responseType: "BlocksPart";
             *   readonly requestStream: undefined;
             *   readonly responseStream: true;
             * }}
             */

            /**
             * Calls ReadBlocks.
             * @name umbra.v1.Collector#readBlocks
             * @type {umbra.v1.Collector.ReadBlocks}
             */
            $Object.defineProperties(Collector.prototype.readBlocks = function(request, callback) {
                return $protobuf.rpc.Service.prototype.rpcCall.call(this, Collector.prototype.readBlocks, $root.umbra.v1.BlocksQuery, $root.umbra.v1.BlocksPart, request, callback);
            }, {
                name: { value: "ReadBlocks" },
                path: { value: "/umbra.v1.Collector/ReadBlocks" },
                requestType: { value: "BlocksQuery" },
                responseType: { value: "BlocksPart" },
                requestStream: { value: $undefined },
                responseStream: { value: true }
            });

            /**
             * Callback as used by {@link umbra.v1.Collector#reportTrial}.
             * @memberof umbra.v1.Collector
             * @typedef ReportTrialCallback
             * @type {function}
             * @param {Error|null} error Error, if any
             * @param {umbra.v1.TrialReceipt} [response] TrialReceipt
             */

            /**
             * Calls ReportTrial.
             * @memberof umbra.v1.Collector
             * @typedef ReportTrial
             * @type {{
             *   (request: umbra.v1.ITrialReport, callback: umbra.v1.Collector.ReportTrialCallback): void;
             *   (request: umbra.v1.ITrialReport): Promise<umbra.v1.TrialReceipt>;
             *   readonly name: "ReportTrial";
             *   readonly path: "/umbra.v1.Collector/ReportTrial";
             *   readonly requestType: "TrialReport";
             *   readonly responseType: "TrialReceipt";
             *   readonly requestStream: undefined;
             *   readonly responseStream: undefined;
             * }}
             */

            /**
             * Calls ReportTrial.
             * @name umbra.v1.Collector#reportTrial
             * @type {umbra.v1.Collector.ReportTrial}
             */
            $Object.defineProperties(Collector.prototype.reportTrial = function(request, callback) {
                return $protobuf.rpc.Service.prototype.rpcCall.call(this, Collector.prototype.reportTrial, $root.umbra.v1.TrialReport, $root.umbra.v1.TrialReceipt, request, callback);
            }, {
                name: { value: "ReportTrial" },
                path: { value: "/umbra.v1.Collector/ReportTrial" },
                requestType: { value: "TrialReport" },
                responseType: { value: "TrialReceipt" },
                requestStream: { value: $undefined },
                responseStream: { value: $undefined }
            });

            return Collector;
        })();

        v1.AgentMessage = (function() {

            /**
             * Properties of an AgentMessage.
             * @typedef {Object} umbra.v1.AgentMessage.$Properties
             * @property {umbra.v1.Hello.$Properties|null} [hello] AgentMessage hello
             * @property {umbra.v1.Heartbeat.$Properties|null} [heartbeat] AgentMessage heartbeat
             * @property {umbra.v1.TelemetryBatch.$Properties|null} [telemetry] AgentMessage telemetry
             * @property {umbra.v1.OrderResult.$Properties|null} [orderResult] AgentMessage orderResult
             * @property {"hello"|"heartbeat"|"telemetry"|"orderResult"} [body] AgentMessage body
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an AgentMessage.
             * @memberof umbra.v1
             * @interface IAgentMessage
             * @augments umbra.v1.AgentMessage.$Properties
             * @deprecated Use umbra.v1.AgentMessage.$Properties instead.
             */

            /**
             * Narrowed shape of an AgentMessage.
             * @typedef {{
             *   hello?: umbra.v1.Hello.$Shape|null;
             *   heartbeat?: umbra.v1.Heartbeat.$Shape|null;
             *   telemetry?: umbra.v1.TelemetryBatch.$Shape|null;
             *   orderResult?: umbra.v1.OrderResult.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ body?: undefined; hello?: null; heartbeat?: null; telemetry?: null; orderResult?: null }|{ body?: "hello"; hello: umbra.v1.Hello.$Shape; heartbeat?: null; telemetry?: null; orderResult?: null }|{ body?: "heartbeat"; hello?: null; heartbeat: umbra.v1.Heartbeat.$Shape; telemetry?: null; orderResult?: null }|{ body?: "telemetry"; hello?: null; heartbeat?: null; telemetry: umbra.v1.TelemetryBatch.$Shape; orderResult?: null }|{ body?: "orderResult"; hello?: null; heartbeat?: null; telemetry?: null; orderResult: umbra.v1.OrderResult.$Shape })
             * )} umbra.v1.AgentMessage.$Shape
             */

            /**
             * Constructs a new AgentMessage.
             * @memberof umbra.v1
             * @classdesc Represents an AgentMessage.
             * @constructor
             * @param {umbra.v1.AgentMessage.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const AgentMessage = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * AgentMessage hello.
             * @member {umbra.v1.Hello.$Properties|null|undefined} hello
             * @memberof umbra.v1.AgentMessage
             * @instance
             */
            AgentMessage.prototype.hello = null;

            /**
             * AgentMessage heartbeat.
             * @member {umbra.v1.Heartbeat.$Properties|null|undefined} heartbeat
             * @memberof umbra.v1.AgentMessage
             * @instance
             */
            AgentMessage.prototype.heartbeat = null;

            /**
             * AgentMessage telemetry.
             * @member {umbra.v1.TelemetryBatch.$Properties|null|undefined} telemetry
             * @memberof umbra.v1.AgentMessage
             * @instance
             */
            AgentMessage.prototype.telemetry = null;

            /**
             * AgentMessage orderResult.
             * @member {umbra.v1.OrderResult.$Properties|null|undefined} orderResult
             * @memberof umbra.v1.AgentMessage
             * @instance
             */
            AgentMessage.prototype.orderResult = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * AgentMessage body.
             * @member {"hello"|"heartbeat"|"telemetry"|"orderResult"|undefined} body
             * @memberof umbra.v1.AgentMessage
             * @instance
             */
            $Object.defineProperty(AgentMessage.prototype, "body", {
                get: $util.oneOfGetter($oneOfFields = ["hello", "heartbeat", "telemetry", "orderResult"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new AgentMessage instance using the specified properties.
             * @function create
             * @memberof umbra.v1.AgentMessage
             * @static
             * @param {umbra.v1.AgentMessage.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.AgentMessage} AgentMessage instance
             * @type {{
             *   (properties: umbra.v1.AgentMessage.$Shape): umbra.v1.AgentMessage & umbra.v1.AgentMessage.$Shape;
             *   (properties?: umbra.v1.AgentMessage.$Properties): umbra.v1.AgentMessage;
             * }}
             */
            AgentMessage.create = function(properties) {
                return new AgentMessage(properties);
            };

            /**
             * Encodes the specified AgentMessage message. Does not implicitly {@link umbra.v1.AgentMessage.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.AgentMessage
             * @static
             * @param {umbra.v1.AgentMessage.$Properties} message AgentMessage message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            AgentMessage.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.hello != null && $Object.hasOwnProperty.call(message, "hello"))
                    $root.umbra.v1.Hello.encode(message.hello, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.heartbeat != null && $Object.hasOwnProperty.call(message, "heartbeat"))
                    $root.umbra.v1.Heartbeat.encode(message.heartbeat, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.telemetry != null && $Object.hasOwnProperty.call(message, "telemetry"))
                    $root.umbra.v1.TelemetryBatch.encode(message.telemetry, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.orderResult != null && $Object.hasOwnProperty.call(message, "orderResult"))
                    $root.umbra.v1.OrderResult.encode(message.orderResult, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an AgentMessage message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.AgentMessage
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.AgentMessage & umbra.v1.AgentMessage.$Shape} AgentMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            AgentMessage.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.AgentMessage();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            message.hello = $root.umbra.v1.Hello.decode(reader, reader.size(), $undefined, _depth + 1, message.hello);
                            message.body = "hello";
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.heartbeat = $root.umbra.v1.Heartbeat.decode(reader, reader.size(), $undefined, _depth + 1, message.heartbeat);
                            message.body = "heartbeat";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.telemetry = $root.umbra.v1.TelemetryBatch.decode(reader, reader.size(), $undefined, _depth + 1, message.telemetry);
                            message.body = "telemetry";
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.orderResult = $root.umbra.v1.OrderResult.decode(reader, reader.size(), $undefined, _depth + 1, message.orderResult);
                            message.body = "orderResult";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates an AgentMessage message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.AgentMessage
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.AgentMessage} AgentMessage
             */
            AgentMessage.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.AgentMessage)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.AgentMessage: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.AgentMessage();
                if (object.hello != null) {
                    if (!$util.isObject(object.hello))
                        throw $TypeError(".umbra.v1.AgentMessage.hello: object expected");
                    message.hello = $root.umbra.v1.Hello.fromObject(object.hello, _depth + 1);
                }
                if (object.heartbeat != null) {
                    if (!$util.isObject(object.heartbeat))
                        throw $TypeError(".umbra.v1.AgentMessage.heartbeat: object expected");
                    message.heartbeat = $root.umbra.v1.Heartbeat.fromObject(object.heartbeat, _depth + 1);
                }
                if (object.telemetry != null) {
                    if (!$util.isObject(object.telemetry))
                        throw $TypeError(".umbra.v1.AgentMessage.telemetry: object expected");
                    message.telemetry = $root.umbra.v1.TelemetryBatch.fromObject(object.telemetry, _depth + 1);
                }
                if (object.orderResult != null) {
                    if (!$util.isObject(object.orderResult))
                        throw $TypeError(".umbra.v1.AgentMessage.orderResult: object expected");
                    message.orderResult = $root.umbra.v1.OrderResult.fromObject(object.orderResult, _depth + 1);
                }
                return message;
            };

            /**
             * Creates a plain object from an AgentMessage message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.AgentMessage
             * @static
             * @param {umbra.v1.AgentMessage} message AgentMessage
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            AgentMessage.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (message.hello != null && $Object.hasOwnProperty.call(message, "hello")) {
                    object.hello = $root.umbra.v1.Hello.toObject(message.hello, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "hello";
                }
                if (message.heartbeat != null && $Object.hasOwnProperty.call(message, "heartbeat")) {
                    object.heartbeat = $root.umbra.v1.Heartbeat.toObject(message.heartbeat, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "heartbeat";
                }
                if (message.telemetry != null && $Object.hasOwnProperty.call(message, "telemetry")) {
                    object.telemetry = $root.umbra.v1.TelemetryBatch.toObject(message.telemetry, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "telemetry";
                }
                if (message.orderResult != null && $Object.hasOwnProperty.call(message, "orderResult")) {
                    object.orderResult = $root.umbra.v1.OrderResult.toObject(message.orderResult, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "orderResult";
                }
                return object;
            };

            /**
             * Converts this AgentMessage to JSON.
             * @function toJSON
             * @memberof umbra.v1.AgentMessage
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            AgentMessage.prototype.toJSON = function() {
                return AgentMessage.toObject(this, $protobuf.util.toJSONOptions);
            };

            return AgentMessage;
        })();

        v1.CollectorMessage = (function() {

            /**
             * Properties of a CollectorMessage.
             * @typedef {Object} umbra.v1.CollectorMessage.$Properties
             * @property {umbra.v1.Welcome.$Properties|null} [welcome] CollectorMessage welcome
             * @property {umbra.v1.Order.$Properties|null} [order] CollectorMessage order
             * @property {umbra.v1.TelemetryAck.$Properties|null} [telemetryAck] CollectorMessage telemetryAck
             * @property {"welcome"|"order"|"telemetryAck"} [body] CollectorMessage body
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a CollectorMessage.
             * @memberof umbra.v1
             * @interface ICollectorMessage
             * @augments umbra.v1.CollectorMessage.$Properties
             * @deprecated Use umbra.v1.CollectorMessage.$Properties instead.
             */

            /**
             * Narrowed shape of a CollectorMessage.
             * @typedef {{
             *   welcome?: umbra.v1.Welcome.$Shape|null;
             *   order?: umbra.v1.Order.$Shape|null;
             *   telemetryAck?: umbra.v1.TelemetryAck.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ body?: undefined; welcome?: null; order?: null; telemetryAck?: null }|{ body?: "welcome"; welcome: umbra.v1.Welcome.$Shape; order?: null; telemetryAck?: null }|{ body?: "order"; welcome?: null; order: umbra.v1.Order.$Shape; telemetryAck?: null }|{ body?: "telemetryAck"; welcome?: null; order?: null; telemetryAck: umbra.v1.TelemetryAck.$Shape })
             * )} umbra.v1.CollectorMessage.$Shape
             */

            /**
             * Constructs a new CollectorMessage.
             * @memberof umbra.v1
             * @classdesc Represents a CollectorMessage.
             * @constructor
             * @param {umbra.v1.CollectorMessage.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const CollectorMessage = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * CollectorMessage welcome.
             * @member {umbra.v1.Welcome.$Properties|null|undefined} welcome
             * @memberof umbra.v1.CollectorMessage
             * @instance
             */
            CollectorMessage.prototype.welcome = null;

            /**
             * CollectorMessage order.
             * @member {umbra.v1.Order.$Properties|null|undefined} order
             * @memberof umbra.v1.CollectorMessage
             * @instance
             */
            CollectorMessage.prototype.order = null;

            /**
             * CollectorMessage telemetryAck.
             * @member {umbra.v1.TelemetryAck.$Properties|null|undefined} telemetryAck
             * @memberof umbra.v1.CollectorMessage
             * @instance
             */
            CollectorMessage.prototype.telemetryAck = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * CollectorMessage body.
             * @member {"welcome"|"order"|"telemetryAck"|undefined} body
             * @memberof umbra.v1.CollectorMessage
             * @instance
             */
            $Object.defineProperty(CollectorMessage.prototype, "body", {
                get: $util.oneOfGetter($oneOfFields = ["welcome", "order", "telemetryAck"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new CollectorMessage instance using the specified properties.
             * @function create
             * @memberof umbra.v1.CollectorMessage
             * @static
             * @param {umbra.v1.CollectorMessage.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.CollectorMessage} CollectorMessage instance
             * @type {{
             *   (properties: umbra.v1.CollectorMessage.$Shape): umbra.v1.CollectorMessage & umbra.v1.CollectorMessage.$Shape;
             *   (properties?: umbra.v1.CollectorMessage.$Properties): umbra.v1.CollectorMessage;
             * }}
             */
            CollectorMessage.create = function(properties) {
                return new CollectorMessage(properties);
            };

            /**
             * Encodes the specified CollectorMessage message. Does not implicitly {@link umbra.v1.CollectorMessage.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.CollectorMessage
             * @static
             * @param {umbra.v1.CollectorMessage.$Properties} message CollectorMessage message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            CollectorMessage.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.welcome != null && $Object.hasOwnProperty.call(message, "welcome"))
                    $root.umbra.v1.Welcome.encode(message.welcome, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.order != null && $Object.hasOwnProperty.call(message, "order"))
                    $root.umbra.v1.Order.encode(message.order, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.telemetryAck != null && $Object.hasOwnProperty.call(message, "telemetryAck"))
                    $root.umbra.v1.TelemetryAck.encode(message.telemetryAck, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a CollectorMessage message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.CollectorMessage
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.CollectorMessage & umbra.v1.CollectorMessage.$Shape} CollectorMessage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            CollectorMessage.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.CollectorMessage();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            message.welcome = $root.umbra.v1.Welcome.decode(reader, reader.size(), $undefined, _depth + 1, message.welcome);
                            message.body = "welcome";
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.order = $root.umbra.v1.Order.decode(reader, reader.size(), $undefined, _depth + 1, message.order);
                            message.body = "order";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.telemetryAck = $root.umbra.v1.TelemetryAck.decode(reader, reader.size(), $undefined, _depth + 1, message.telemetryAck);
                            message.body = "telemetryAck";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a CollectorMessage message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.CollectorMessage
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.CollectorMessage} CollectorMessage
             */
            CollectorMessage.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.CollectorMessage)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.CollectorMessage: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.CollectorMessage();
                if (object.welcome != null) {
                    if (!$util.isObject(object.welcome))
                        throw $TypeError(".umbra.v1.CollectorMessage.welcome: object expected");
                    message.welcome = $root.umbra.v1.Welcome.fromObject(object.welcome, _depth + 1);
                }
                if (object.order != null) {
                    if (!$util.isObject(object.order))
                        throw $TypeError(".umbra.v1.CollectorMessage.order: object expected");
                    message.order = $root.umbra.v1.Order.fromObject(object.order, _depth + 1);
                }
                if (object.telemetryAck != null) {
                    if (!$util.isObject(object.telemetryAck))
                        throw $TypeError(".umbra.v1.CollectorMessage.telemetryAck: object expected");
                    message.telemetryAck = $root.umbra.v1.TelemetryAck.fromObject(object.telemetryAck, _depth + 1);
                }
                return message;
            };

            /**
             * Creates a plain object from a CollectorMessage message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.CollectorMessage
             * @static
             * @param {umbra.v1.CollectorMessage} message CollectorMessage
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            CollectorMessage.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (message.welcome != null && $Object.hasOwnProperty.call(message, "welcome")) {
                    object.welcome = $root.umbra.v1.Welcome.toObject(message.welcome, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "welcome";
                }
                if (message.order != null && $Object.hasOwnProperty.call(message, "order")) {
                    object.order = $root.umbra.v1.Order.toObject(message.order, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "order";
                }
                if (message.telemetryAck != null && $Object.hasOwnProperty.call(message, "telemetryAck")) {
                    object.telemetryAck = $root.umbra.v1.TelemetryAck.toObject(message.telemetryAck, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "telemetryAck";
                }
                return object;
            };

            /**
             * Converts this CollectorMessage to JSON.
             * @function toJSON
             * @memberof umbra.v1.CollectorMessage
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            CollectorMessage.prototype.toJSON = function() {
                return CollectorMessage.toObject(this, $protobuf.util.toJSONOptions);
            };

            return CollectorMessage;
        })();

        v1.Hello = (function() {

            /**
             * Properties of a Hello.
             * @typedef {Object} umbra.v1.Hello.$Properties
             * @property {string|null} [agentId] Hello agentId
             * @property {string|null} [host] Hello host
             * @property {string|null} [version] Hello version
             * @property {number|null} [protocol] Hello protocol
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Hello.
             * @memberof umbra.v1
             * @interface IHello
             * @augments umbra.v1.Hello.$Properties
             * @deprecated Use umbra.v1.Hello.$Properties instead.
             */

            /**
             * Shape of a Hello.
             * @typedef {umbra.v1.Hello.$Properties} umbra.v1.Hello.$Shape
             */

            /**
             * Constructs a new Hello.
             * @memberof umbra.v1
             * @classdesc Represents a Hello.
             * @constructor
             * @param {umbra.v1.Hello.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Hello = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Hello agentId.
             * @member {string} agentId
             * @memberof umbra.v1.Hello
             * @instance
             */
            Hello.prototype.agentId = "";

            /**
             * Hello host.
             * @member {string} host
             * @memberof umbra.v1.Hello
             * @instance
             */
            Hello.prototype.host = "";

            /**
             * Hello version.
             * @member {string} version
             * @memberof umbra.v1.Hello
             * @instance
             */
            Hello.prototype.version = "";

            /**
             * Hello protocol.
             * @member {number} protocol
             * @memberof umbra.v1.Hello
             * @instance
             */
            Hello.prototype.protocol = 0;

            /**
             * Creates a new Hello instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Hello
             * @static
             * @param {umbra.v1.Hello.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Hello} Hello instance
             * @type {{
             *   (properties: umbra.v1.Hello.$Shape): umbra.v1.Hello & umbra.v1.Hello.$Shape;
             *   (properties?: umbra.v1.Hello.$Properties): umbra.v1.Hello;
             * }}
             */
            Hello.create = function(properties) {
                return new Hello(properties);
            };

            /**
             * Encodes the specified Hello message. Does not implicitly {@link umbra.v1.Hello.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Hello
             * @static
             * @param {umbra.v1.Hello.$Properties} message Hello message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Hello.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.agentId != null && $Object.hasOwnProperty.call(message, "agentId") && message.agentId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.agentId);
                if (message.host != null && $Object.hasOwnProperty.call(message, "host") && message.host !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.host);
                if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.version);
                if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.protocol);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Hello message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Hello
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Hello & umbra.v1.Hello.$Shape} Hello
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Hello.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Hello();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.agentId = value;
                            else
                                delete message.agentId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.host = value;
                            else
                                delete message.host;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.version = value;
                            else
                                delete message.version;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.protocol = value;
                            else
                                delete message.protocol;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a Hello message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Hello
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Hello} Hello
             */
            Hello.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Hello)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Hello: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Hello();
                if (object.agentId != null)
                    if (typeof object.agentId !== "string" || object.agentId.length)
                        message.agentId = $String(object.agentId);
                if (object.host != null)
                    if (typeof object.host !== "string" || object.host.length)
                        message.host = $String(object.host);
                if (object.version != null)
                    if (typeof object.version !== "string" || object.version.length)
                        message.version = $String(object.version);
                if (object.protocol != null)
                    if ($Number(object.protocol) !== 0)
                        message.protocol = object.protocol >>> 0;
                return message;
            };

            /**
             * Creates a plain object from a Hello message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Hello
             * @static
             * @param {umbra.v1.Hello} message Hello
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Hello.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.agentId = "";
                    object.host = "";
                    object.version = "";
                    object.protocol = 0;
                }
                if (message.agentId != null && $Object.hasOwnProperty.call(message, "agentId"))
                    object.agentId = message.agentId;
                if (message.host != null && $Object.hasOwnProperty.call(message, "host"))
                    object.host = message.host;
                if (message.version != null && $Object.hasOwnProperty.call(message, "version"))
                    object.version = message.version;
                if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol"))
                    object.protocol = message.protocol;
                return object;
            };

            /**
             * Converts this Hello to JSON.
             * @function toJSON
             * @memberof umbra.v1.Hello
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Hello.prototype.toJSON = function() {
                return Hello.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Hello;
        })();

        v1.Welcome = (function() {

            /**
             * Properties of a Welcome.
             * @typedef {Object} umbra.v1.Welcome.$Properties
             * @property {string|null} [collectorId] Welcome collectorId
             * @property {number|null} [protocol] Welcome protocol
             * @property {number|null} [heartbeatSeconds] Welcome heartbeatSeconds
             * @property {boolean|null} [compressedTelemetry] Welcome compressedTelemetry
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Welcome.
             * @memberof umbra.v1
             * @interface IWelcome
             * @augments umbra.v1.Welcome.$Properties
             * @deprecated Use umbra.v1.Welcome.$Properties instead.
             */

            /**
             * Shape of a Welcome.
             * @typedef {umbra.v1.Welcome.$Properties} umbra.v1.Welcome.$Shape
             */

            /**
             * Constructs a new Welcome.
             * @memberof umbra.v1
             * @classdesc Represents a Welcome.
             * @constructor
             * @param {umbra.v1.Welcome.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Welcome = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Welcome collectorId.
             * @member {string} collectorId
             * @memberof umbra.v1.Welcome
             * @instance
             */
            Welcome.prototype.collectorId = "";

            /**
             * Welcome protocol.
             * @member {number} protocol
             * @memberof umbra.v1.Welcome
             * @instance
             */
            Welcome.prototype.protocol = 0;

            /**
             * Welcome heartbeatSeconds.
             * @member {number} heartbeatSeconds
             * @memberof umbra.v1.Welcome
             * @instance
             */
            Welcome.prototype.heartbeatSeconds = 0;

            /**
             * Welcome compressedTelemetry.
             * @member {boolean} compressedTelemetry
             * @memberof umbra.v1.Welcome
             * @instance
             */
            Welcome.prototype.compressedTelemetry = false;

            /**
             * Creates a new Welcome instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Welcome
             * @static
             * @param {umbra.v1.Welcome.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Welcome} Welcome instance
             * @type {{
             *   (properties: umbra.v1.Welcome.$Shape): umbra.v1.Welcome & umbra.v1.Welcome.$Shape;
             *   (properties?: umbra.v1.Welcome.$Properties): umbra.v1.Welcome;
             * }}
             */
            Welcome.create = function(properties) {
                return new Welcome(properties);
            };

            /**
             * Encodes the specified Welcome message. Does not implicitly {@link umbra.v1.Welcome.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Welcome
             * @static
             * @param {umbra.v1.Welcome.$Properties} message Welcome message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Welcome.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.collectorId != null && $Object.hasOwnProperty.call(message, "collectorId") && message.collectorId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.collectorId);
                if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol") && message.protocol !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.protocol);
                if (message.heartbeatSeconds != null && $Object.hasOwnProperty.call(message, "heartbeatSeconds") && message.heartbeatSeconds !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).uint32(message.heartbeatSeconds);
                if (message.compressedTelemetry != null && $Object.hasOwnProperty.call(message, "compressedTelemetry") && message.compressedTelemetry !== false)
                    writer.uint32(/* id 4, wireType 0 =*/32).bool(message.compressedTelemetry);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Welcome message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Welcome
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Welcome & umbra.v1.Welcome.$Shape} Welcome
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Welcome.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Welcome();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.collectorId = value;
                            else
                                delete message.collectorId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.protocol = value;
                            else
                                delete message.protocol;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.heartbeatSeconds = value;
                            else
                                delete message.heartbeatSeconds;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.compressedTelemetry = value;
                            else
                                delete message.compressedTelemetry;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a Welcome message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Welcome
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Welcome} Welcome
             */
            Welcome.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Welcome)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Welcome: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Welcome();
                if (object.collectorId != null)
                    if (typeof object.collectorId !== "string" || object.collectorId.length)
                        message.collectorId = $String(object.collectorId);
                if (object.protocol != null)
                    if ($Number(object.protocol) !== 0)
                        message.protocol = object.protocol >>> 0;
                if (object.heartbeatSeconds != null)
                    if ($Number(object.heartbeatSeconds) !== 0)
                        message.heartbeatSeconds = object.heartbeatSeconds >>> 0;
                if (object.compressedTelemetry != null)
                    if (object.compressedTelemetry)
                        message.compressedTelemetry = $Boolean(object.compressedTelemetry);
                return message;
            };

            /**
             * Creates a plain object from a Welcome message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Welcome
             * @static
             * @param {umbra.v1.Welcome} message Welcome
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Welcome.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.collectorId = "";
                    object.protocol = 0;
                    object.heartbeatSeconds = 0;
                    object.compressedTelemetry = false;
                }
                if (message.collectorId != null && $Object.hasOwnProperty.call(message, "collectorId"))
                    object.collectorId = message.collectorId;
                if (message.protocol != null && $Object.hasOwnProperty.call(message, "protocol"))
                    object.protocol = message.protocol;
                if (message.heartbeatSeconds != null && $Object.hasOwnProperty.call(message, "heartbeatSeconds"))
                    object.heartbeatSeconds = message.heartbeatSeconds;
                if (message.compressedTelemetry != null && $Object.hasOwnProperty.call(message, "compressedTelemetry"))
                    object.compressedTelemetry = message.compressedTelemetry;
                return object;
            };

            /**
             * Converts this Welcome to JSON.
             * @function toJSON
             * @memberof umbra.v1.Welcome
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Welcome.prototype.toJSON = function() {
                return Welcome.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Welcome;
        })();

        v1.Heartbeat = (function() {

            /**
             * Properties of a Heartbeat.
             * @typedef {Object} umbra.v1.Heartbeat.$Properties
             * @property {Long|null} [timeNs] Heartbeat timeNs
             * @property {Array.<umbra.v1.VmStatus.$Properties>|null} [vms] Heartbeat vms
             * @property {Long|null} [spoolBytes] Heartbeat spoolBytes
             * @property {Long|null} [spoolLimitBytes] Heartbeat spoolLimitBytes
             * @property {boolean|null} [spoolFull] Heartbeat spoolFull
             * @property {Long|null} [rssBytes] Heartbeat rssBytes
             * @property {number|null} [cpuSeconds] Heartbeat cpuSeconds
             * @property {umbra.v1.TrialCapacity.$Properties|null} [trials] Heartbeat trials
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Heartbeat.
             * @memberof umbra.v1
             * @interface IHeartbeat
             * @augments umbra.v1.Heartbeat.$Properties
             * @deprecated Use umbra.v1.Heartbeat.$Properties instead.
             */

            /**
             * Shape of a Heartbeat.
             * @typedef {umbra.v1.Heartbeat.$Properties} umbra.v1.Heartbeat.$Shape
             */

            /**
             * Constructs a new Heartbeat.
             * @memberof umbra.v1
             * @classdesc Represents a Heartbeat.
             * @constructor
             * @param {umbra.v1.Heartbeat.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Heartbeat = function (properties) {
                this.vms = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Heartbeat timeNs.
             * @member {Long} timeNs
             * @memberof umbra.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.timeNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Heartbeat vms.
             * @member {Array.<umbra.v1.VmStatus.$Properties>} vms
             * @memberof umbra.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.vms = $util.emptyArray;

            /**
             * Heartbeat spoolBytes.
             * @member {Long} spoolBytes
             * @memberof umbra.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.spoolBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Heartbeat spoolLimitBytes.
             * @member {Long} spoolLimitBytes
             * @memberof umbra.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.spoolLimitBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Heartbeat spoolFull.
             * @member {boolean} spoolFull
             * @memberof umbra.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.spoolFull = false;

            /**
             * Heartbeat rssBytes.
             * @member {Long} rssBytes
             * @memberof umbra.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.rssBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Heartbeat cpuSeconds.
             * @member {number} cpuSeconds
             * @memberof umbra.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.cpuSeconds = 0;

            /**
             * Heartbeat trials.
             * @member {umbra.v1.TrialCapacity.$Properties|null|undefined} trials
             * @memberof umbra.v1.Heartbeat
             * @instance
             */
            Heartbeat.prototype.trials = null;

            /**
             * Creates a new Heartbeat instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Heartbeat
             * @static
             * @param {umbra.v1.Heartbeat.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Heartbeat} Heartbeat instance
             * @type {{
             *   (properties: umbra.v1.Heartbeat.$Shape): umbra.v1.Heartbeat & umbra.v1.Heartbeat.$Shape;
             *   (properties?: umbra.v1.Heartbeat.$Properties): umbra.v1.Heartbeat;
             * }}
             */
            Heartbeat.create = function(properties) {
                return new Heartbeat(properties);
            };

            /**
             * Encodes the specified Heartbeat message. Does not implicitly {@link umbra.v1.Heartbeat.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Heartbeat
             * @static
             * @param {umbra.v1.Heartbeat.$Properties} message Heartbeat message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Heartbeat.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs") && (typeof message.timeNs === "object" ? message.timeNs.low || message.timeNs.high : message.timeNs !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.timeNs);
                if (message.vms != null && message.vms.length)
                    for (let i = 0; i < message.vms.length; ++i)
                        $root.umbra.v1.VmStatus.encode(message.vms[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.spoolBytes != null && $Object.hasOwnProperty.call(message, "spoolBytes") && (typeof message.spoolBytes === "object" ? message.spoolBytes.low || message.spoolBytes.high : message.spoolBytes !== 0))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.spoolBytes);
                if (message.spoolLimitBytes != null && $Object.hasOwnProperty.call(message, "spoolLimitBytes") && (typeof message.spoolLimitBytes === "object" ? message.spoolLimitBytes.low || message.spoolLimitBytes.high : message.spoolLimitBytes !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.spoolLimitBytes);
                if (message.spoolFull != null && $Object.hasOwnProperty.call(message, "spoolFull") && message.spoolFull !== false)
                    writer.uint32(/* id 5, wireType 0 =*/40).bool(message.spoolFull);
                if (message.rssBytes != null && $Object.hasOwnProperty.call(message, "rssBytes") && (typeof message.rssBytes === "object" ? message.rssBytes.low || message.rssBytes.high : message.rssBytes !== 0))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.rssBytes);
                if (message.cpuSeconds != null && $Object.hasOwnProperty.call(message, "cpuSeconds") && !$Object.is(message.cpuSeconds, 0))
                    writer.uint32(/* id 7, wireType 1 =*/57).double(message.cpuSeconds);
                if (message.trials != null && $Object.hasOwnProperty.call(message, "trials"))
                    $root.umbra.v1.TrialCapacity.encode(message.trials, writer.uint32(/* id 8, wireType 2 =*/66).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Heartbeat message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Heartbeat
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Heartbeat & umbra.v1.Heartbeat.$Shape} Heartbeat
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Heartbeat.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Heartbeat();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.timeNs = value;
                            else
                                delete message.timeNs;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.vms && message.vms.length))
                                message.vms = [];
                            message.vms.push($root.umbra.v1.VmStatus.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.spoolBytes = value;
                            else
                                delete message.spoolBytes;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.spoolLimitBytes = value;
                            else
                                delete message.spoolLimitBytes;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.spoolFull = value;
                            else
                                delete message.spoolFull;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.rssBytes = value;
                            else
                                delete message.rssBytes;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.cpuSeconds = value;
                            else
                                delete message.cpuSeconds;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            message.trials = $root.umbra.v1.TrialCapacity.decode(reader, reader.size(), $undefined, _depth + 1, message.trials);
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a Heartbeat message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Heartbeat
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Heartbeat} Heartbeat
             */
            Heartbeat.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Heartbeat)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Heartbeat: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Heartbeat();
                if (object.timeNs != null)
                    if (typeof object.timeNs === "object" ? object.timeNs.low || object.timeNs.high : $Number(object.timeNs) !== 0)
                        if ($util.Long)
                            message.timeNs = $util.Long.fromValue(object.timeNs, true);
                        else if (typeof object.timeNs === "string")
                            message.timeNs = $parseInt(object.timeNs, 10);
                        else if (typeof object.timeNs === "number")
                            message.timeNs = object.timeNs;
                        else if (typeof object.timeNs === "object")
                            message.timeNs = new $util.LongBits(object.timeNs.low >>> 0, object.timeNs.high >>> 0).toNumber(true);
                if (object.vms) {
                    if (!$Array.isArray(object.vms))
                        throw $TypeError(".umbra.v1.Heartbeat.vms: array expected");
                    message.vms = $Array(object.vms.length);
                    for (let i = 0; i < object.vms.length; ++i) {
                        if (!$util.isObject(object.vms[i]))
                            throw $TypeError(".umbra.v1.Heartbeat.vms: object expected");
                        message.vms[i] = $root.umbra.v1.VmStatus.fromObject(object.vms[i], _depth + 1);
                    }
                }
                if (object.spoolBytes != null)
                    if (typeof object.spoolBytes === "object" ? object.spoolBytes.low || object.spoolBytes.high : $Number(object.spoolBytes) !== 0)
                        if ($util.Long)
                            message.spoolBytes = $util.Long.fromValue(object.spoolBytes, true);
                        else if (typeof object.spoolBytes === "string")
                            message.spoolBytes = $parseInt(object.spoolBytes, 10);
                        else if (typeof object.spoolBytes === "number")
                            message.spoolBytes = object.spoolBytes;
                        else if (typeof object.spoolBytes === "object")
                            message.spoolBytes = new $util.LongBits(object.spoolBytes.low >>> 0, object.spoolBytes.high >>> 0).toNumber(true);
                if (object.spoolLimitBytes != null)
                    if (typeof object.spoolLimitBytes === "object" ? object.spoolLimitBytes.low || object.spoolLimitBytes.high : $Number(object.spoolLimitBytes) !== 0)
                        if ($util.Long)
                            message.spoolLimitBytes = $util.Long.fromValue(object.spoolLimitBytes, true);
                        else if (typeof object.spoolLimitBytes === "string")
                            message.spoolLimitBytes = $parseInt(object.spoolLimitBytes, 10);
                        else if (typeof object.spoolLimitBytes === "number")
                            message.spoolLimitBytes = object.spoolLimitBytes;
                        else if (typeof object.spoolLimitBytes === "object")
                            message.spoolLimitBytes = new $util.LongBits(object.spoolLimitBytes.low >>> 0, object.spoolLimitBytes.high >>> 0).toNumber(true);
                if (object.spoolFull != null)
                    if (object.spoolFull)
                        message.spoolFull = $Boolean(object.spoolFull);
                if (object.rssBytes != null)
                    if (typeof object.rssBytes === "object" ? object.rssBytes.low || object.rssBytes.high : $Number(object.rssBytes) !== 0)
                        if ($util.Long)
                            message.rssBytes = $util.Long.fromValue(object.rssBytes, true);
                        else if (typeof object.rssBytes === "string")
                            message.rssBytes = $parseInt(object.rssBytes, 10);
                        else if (typeof object.rssBytes === "number")
                            message.rssBytes = object.rssBytes;
                        else if (typeof object.rssBytes === "object")
                            message.rssBytes = new $util.LongBits(object.rssBytes.low >>> 0, object.rssBytes.high >>> 0).toNumber(true);
                if (object.cpuSeconds != null)
                    if (!$Object.is($Number(object.cpuSeconds), 0))
                        message.cpuSeconds = $Number(object.cpuSeconds);
                if (object.trials != null) {
                    if (!$util.isObject(object.trials))
                        throw $TypeError(".umbra.v1.Heartbeat.trials: object expected");
                    message.trials = $root.umbra.v1.TrialCapacity.fromObject(object.trials, _depth + 1);
                }
                return message;
            };

            /**
             * Creates a plain object from a Heartbeat message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Heartbeat
             * @static
             * @param {umbra.v1.Heartbeat} message Heartbeat
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Heartbeat.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.vms = [];
                if (options.defaults) {
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.timeNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.timeNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.spoolBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.spoolBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.spoolLimitBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.spoolLimitBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.spoolFull = false;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.rssBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.rssBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.cpuSeconds = 0;
                    object.trials = null;
                }
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.timeNs = typeof message.timeNs === "number" ? $BigInt(message.timeNs) : $util.Long.fromBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0, true).toBigInt();
                    else if (typeof message.timeNs === "number")
                        object.timeNs = options.longs === $String ? $String(message.timeNs) : message.timeNs;
                    else
                        object.timeNs = options.longs === $String ? $util.Long.prototype.toString.call(message.timeNs) : options.longs === $Number ? new $util.LongBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0).toNumber(true) : message.timeNs;
                if (message.vms && message.vms.length) {
                    object.vms = $Array(message.vms.length);
                    for (let j = 0; j < message.vms.length; ++j)
                        object.vms[j] = $root.umbra.v1.VmStatus.toObject(message.vms[j], options, _depth + 1);
                }
                if (message.spoolBytes != null && $Object.hasOwnProperty.call(message, "spoolBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.spoolBytes = typeof message.spoolBytes === "number" ? $BigInt(message.spoolBytes) : $util.Long.fromBits(message.spoolBytes.low >>> 0, message.spoolBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.spoolBytes === "number")
                        object.spoolBytes = options.longs === $String ? $String(message.spoolBytes) : message.spoolBytes;
                    else
                        object.spoolBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.spoolBytes) : options.longs === $Number ? new $util.LongBits(message.spoolBytes.low >>> 0, message.spoolBytes.high >>> 0).toNumber(true) : message.spoolBytes;
                if (message.spoolLimitBytes != null && $Object.hasOwnProperty.call(message, "spoolLimitBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.spoolLimitBytes = typeof message.spoolLimitBytes === "number" ? $BigInt(message.spoolLimitBytes) : $util.Long.fromBits(message.spoolLimitBytes.low >>> 0, message.spoolLimitBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.spoolLimitBytes === "number")
                        object.spoolLimitBytes = options.longs === $String ? $String(message.spoolLimitBytes) : message.spoolLimitBytes;
                    else
                        object.spoolLimitBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.spoolLimitBytes) : options.longs === $Number ? new $util.LongBits(message.spoolLimitBytes.low >>> 0, message.spoolLimitBytes.high >>> 0).toNumber(true) : message.spoolLimitBytes;
                if (message.spoolFull != null && $Object.hasOwnProperty.call(message, "spoolFull"))
                    object.spoolFull = message.spoolFull;
                if (message.rssBytes != null && $Object.hasOwnProperty.call(message, "rssBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.rssBytes = typeof message.rssBytes === "number" ? $BigInt(message.rssBytes) : $util.Long.fromBits(message.rssBytes.low >>> 0, message.rssBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.rssBytes === "number")
                        object.rssBytes = options.longs === $String ? $String(message.rssBytes) : message.rssBytes;
                    else
                        object.rssBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.rssBytes) : options.longs === $Number ? new $util.LongBits(message.rssBytes.low >>> 0, message.rssBytes.high >>> 0).toNumber(true) : message.rssBytes;
                if (message.cpuSeconds != null && $Object.hasOwnProperty.call(message, "cpuSeconds"))
                    object.cpuSeconds = options.json && !$isFinite(message.cpuSeconds) ? $String(message.cpuSeconds) : message.cpuSeconds;
                if (message.trials != null && $Object.hasOwnProperty.call(message, "trials"))
                    object.trials = $root.umbra.v1.TrialCapacity.toObject(message.trials, options, _depth + 1);
                return object;
            };

            /**
             * Converts this Heartbeat to JSON.
             * @function toJSON
             * @memberof umbra.v1.Heartbeat
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Heartbeat.prototype.toJSON = function() {
                return Heartbeat.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Heartbeat;
        })();

        v1.TrialCapacity = (function() {

            /**
             * Properties of a TrialCapacity.
             * @typedef {Object} umbra.v1.TrialCapacity.$Properties
             * @property {number|null} [slots] TrialCapacity slots
             * @property {number|null} [usedSlots] TrialCapacity usedSlots
             * @property {Long|null} [memoryBytes] TrialCapacity memoryBytes
             * @property {Long|null} [reservedBytes] TrialCapacity reservedBytes
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TrialCapacity.
             * @memberof umbra.v1
             * @interface ITrialCapacity
             * @augments umbra.v1.TrialCapacity.$Properties
             * @deprecated Use umbra.v1.TrialCapacity.$Properties instead.
             */

            /**
             * Shape of a TrialCapacity.
             * @typedef {umbra.v1.TrialCapacity.$Properties} umbra.v1.TrialCapacity.$Shape
             */

            /**
             * Constructs a new TrialCapacity.
             * @memberof umbra.v1
             * @classdesc Represents a TrialCapacity.
             * @constructor
             * @param {umbra.v1.TrialCapacity.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TrialCapacity = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * TrialCapacity slots.
             * @member {number} slots
             * @memberof umbra.v1.TrialCapacity
             * @instance
             */
            TrialCapacity.prototype.slots = 0;

            /**
             * TrialCapacity usedSlots.
             * @member {number} usedSlots
             * @memberof umbra.v1.TrialCapacity
             * @instance
             */
            TrialCapacity.prototype.usedSlots = 0;

            /**
             * TrialCapacity memoryBytes.
             * @member {Long} memoryBytes
             * @memberof umbra.v1.TrialCapacity
             * @instance
             */
            TrialCapacity.prototype.memoryBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * TrialCapacity reservedBytes.
             * @member {Long} reservedBytes
             * @memberof umbra.v1.TrialCapacity
             * @instance
             */
            TrialCapacity.prototype.reservedBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new TrialCapacity instance using the specified properties.
             * @function create
             * @memberof umbra.v1.TrialCapacity
             * @static
             * @param {umbra.v1.TrialCapacity.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.TrialCapacity} TrialCapacity instance
             * @type {{
             *   (properties: umbra.v1.TrialCapacity.$Shape): umbra.v1.TrialCapacity & umbra.v1.TrialCapacity.$Shape;
             *   (properties?: umbra.v1.TrialCapacity.$Properties): umbra.v1.TrialCapacity;
             * }}
             */
            TrialCapacity.create = function(properties) {
                return new TrialCapacity(properties);
            };

            /**
             * Encodes the specified TrialCapacity message. Does not implicitly {@link umbra.v1.TrialCapacity.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.TrialCapacity
             * @static
             * @param {umbra.v1.TrialCapacity.$Properties} message TrialCapacity message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TrialCapacity.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.slots != null && $Object.hasOwnProperty.call(message, "slots") && message.slots !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).uint32(message.slots);
                if (message.usedSlots != null && $Object.hasOwnProperty.call(message, "usedSlots") && message.usedSlots !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.usedSlots);
                if (message.memoryBytes != null && $Object.hasOwnProperty.call(message, "memoryBytes") && (typeof message.memoryBytes === "object" ? message.memoryBytes.low || message.memoryBytes.high : message.memoryBytes !== 0))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.memoryBytes);
                if (message.reservedBytes != null && $Object.hasOwnProperty.call(message, "reservedBytes") && (typeof message.reservedBytes === "object" ? message.reservedBytes.low || message.reservedBytes.high : message.reservedBytes !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.reservedBytes);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TrialCapacity message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.TrialCapacity
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.TrialCapacity & umbra.v1.TrialCapacity.$Shape} TrialCapacity
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TrialCapacity.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.TrialCapacity();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.slots = value;
                            else
                                delete message.slots;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.usedSlots = value;
                            else
                                delete message.usedSlots;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.memoryBytes = value;
                            else
                                delete message.memoryBytes;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.reservedBytes = value;
                            else
                                delete message.reservedBytes;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a TrialCapacity message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.TrialCapacity
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.TrialCapacity} TrialCapacity
             */
            TrialCapacity.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.TrialCapacity)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.TrialCapacity: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.TrialCapacity();
                if (object.slots != null)
                    if ($Number(object.slots) !== 0)
                        message.slots = object.slots >>> 0;
                if (object.usedSlots != null)
                    if ($Number(object.usedSlots) !== 0)
                        message.usedSlots = object.usedSlots >>> 0;
                if (object.memoryBytes != null)
                    if (typeof object.memoryBytes === "object" ? object.memoryBytes.low || object.memoryBytes.high : $Number(object.memoryBytes) !== 0)
                        if ($util.Long)
                            message.memoryBytes = $util.Long.fromValue(object.memoryBytes, true);
                        else if (typeof object.memoryBytes === "string")
                            message.memoryBytes = $parseInt(object.memoryBytes, 10);
                        else if (typeof object.memoryBytes === "number")
                            message.memoryBytes = object.memoryBytes;
                        else if (typeof object.memoryBytes === "object")
                            message.memoryBytes = new $util.LongBits(object.memoryBytes.low >>> 0, object.memoryBytes.high >>> 0).toNumber(true);
                if (object.reservedBytes != null)
                    if (typeof object.reservedBytes === "object" ? object.reservedBytes.low || object.reservedBytes.high : $Number(object.reservedBytes) !== 0)
                        if ($util.Long)
                            message.reservedBytes = $util.Long.fromValue(object.reservedBytes, true);
                        else if (typeof object.reservedBytes === "string")
                            message.reservedBytes = $parseInt(object.reservedBytes, 10);
                        else if (typeof object.reservedBytes === "number")
                            message.reservedBytes = object.reservedBytes;
                        else if (typeof object.reservedBytes === "object")
                            message.reservedBytes = new $util.LongBits(object.reservedBytes.low >>> 0, object.reservedBytes.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from a TrialCapacity message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.TrialCapacity
             * @static
             * @param {umbra.v1.TrialCapacity} message TrialCapacity
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            TrialCapacity.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.slots = 0;
                    object.usedSlots = 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.memoryBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.memoryBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.reservedBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.reservedBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.slots != null && $Object.hasOwnProperty.call(message, "slots"))
                    object.slots = message.slots;
                if (message.usedSlots != null && $Object.hasOwnProperty.call(message, "usedSlots"))
                    object.usedSlots = message.usedSlots;
                if (message.memoryBytes != null && $Object.hasOwnProperty.call(message, "memoryBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.memoryBytes = typeof message.memoryBytes === "number" ? $BigInt(message.memoryBytes) : $util.Long.fromBits(message.memoryBytes.low >>> 0, message.memoryBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.memoryBytes === "number")
                        object.memoryBytes = options.longs === $String ? $String(message.memoryBytes) : message.memoryBytes;
                    else
                        object.memoryBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.memoryBytes) : options.longs === $Number ? new $util.LongBits(message.memoryBytes.low >>> 0, message.memoryBytes.high >>> 0).toNumber(true) : message.memoryBytes;
                if (message.reservedBytes != null && $Object.hasOwnProperty.call(message, "reservedBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.reservedBytes = typeof message.reservedBytes === "number" ? $BigInt(message.reservedBytes) : $util.Long.fromBits(message.reservedBytes.low >>> 0, message.reservedBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.reservedBytes === "number")
                        object.reservedBytes = options.longs === $String ? $String(message.reservedBytes) : message.reservedBytes;
                    else
                        object.reservedBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.reservedBytes) : options.longs === $Number ? new $util.LongBits(message.reservedBytes.low >>> 0, message.reservedBytes.high >>> 0).toNumber(true) : message.reservedBytes;
                return object;
            };

            /**
             * Converts this TrialCapacity to JSON.
             * @function toJSON
             * @memberof umbra.v1.TrialCapacity
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            TrialCapacity.prototype.toJSON = function() {
                return TrialCapacity.toObject(this, $protobuf.util.toJSONOptions);
            };

            return TrialCapacity;
        })();

        v1.VmStatus = (function() {

            /**
             * Properties of a VmStatus.
             * @typedef {Object} umbra.v1.VmStatus.$Properties
             * @property {string|null} [vm] VmStatus vm
             * @property {string|null} [uuid] VmStatus uuid
             * @property {umbra.v1.VmState|null} [state] VmStatus state
             * @property {Long|null} [lastCaptureNs] VmStatus lastCaptureNs
             * @property {string|null} [lastError] VmStatus lastError
             * @property {string|null} [schedule] VmStatus schedule
             * @property {Array.<umbra.v1.DiskStatus.$Properties>|null} [disks] VmStatus disks
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a VmStatus.
             * @memberof umbra.v1
             * @interface IVmStatus
             * @augments umbra.v1.VmStatus.$Properties
             * @deprecated Use umbra.v1.VmStatus.$Properties instead.
             */

            /**
             * Shape of a VmStatus.
             * @typedef {umbra.v1.VmStatus.$Properties} umbra.v1.VmStatus.$Shape
             */

            /**
             * Constructs a new VmStatus.
             * @memberof umbra.v1
             * @classdesc Represents a VmStatus.
             * @constructor
             * @param {umbra.v1.VmStatus.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const VmStatus = function (properties) {
                this.disks = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * VmStatus vm.
             * @member {string} vm
             * @memberof umbra.v1.VmStatus
             * @instance
             */
            VmStatus.prototype.vm = "";

            /**
             * VmStatus uuid.
             * @member {string} uuid
             * @memberof umbra.v1.VmStatus
             * @instance
             */
            VmStatus.prototype.uuid = "";

            /**
             * VmStatus state.
             * @member {umbra.v1.VmState} state
             * @memberof umbra.v1.VmStatus
             * @instance
             */
            VmStatus.prototype.state = 0;

            /**
             * VmStatus lastCaptureNs.
             * @member {Long} lastCaptureNs
             * @memberof umbra.v1.VmStatus
             * @instance
             */
            VmStatus.prototype.lastCaptureNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * VmStatus lastError.
             * @member {string} lastError
             * @memberof umbra.v1.VmStatus
             * @instance
             */
            VmStatus.prototype.lastError = "";

            /**
             * VmStatus schedule.
             * @member {string} schedule
             * @memberof umbra.v1.VmStatus
             * @instance
             */
            VmStatus.prototype.schedule = "";

            /**
             * VmStatus disks.
             * @member {Array.<umbra.v1.DiskStatus.$Properties>} disks
             * @memberof umbra.v1.VmStatus
             * @instance
             */
            VmStatus.prototype.disks = $util.emptyArray;

            /**
             * Creates a new VmStatus instance using the specified properties.
             * @function create
             * @memberof umbra.v1.VmStatus
             * @static
             * @param {umbra.v1.VmStatus.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.VmStatus} VmStatus instance
             * @type {{
             *   (properties: umbra.v1.VmStatus.$Shape): umbra.v1.VmStatus & umbra.v1.VmStatus.$Shape;
             *   (properties?: umbra.v1.VmStatus.$Properties): umbra.v1.VmStatus;
             * }}
             */
            VmStatus.create = function(properties) {
                return new VmStatus(properties);
            };

            /**
             * Encodes the specified VmStatus message. Does not implicitly {@link umbra.v1.VmStatus.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.VmStatus
             * @static
             * @param {umbra.v1.VmStatus.$Properties} message VmStatus message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            VmStatus.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm") && message.vm !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.vm);
                if (message.uuid != null && $Object.hasOwnProperty.call(message, "uuid") && message.uuid !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.uuid);
                if (message.state != null && $Object.hasOwnProperty.call(message, "state") && message.state !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).int32(message.state);
                if (message.lastCaptureNs != null && $Object.hasOwnProperty.call(message, "lastCaptureNs") && (typeof message.lastCaptureNs === "object" ? message.lastCaptureNs.low || message.lastCaptureNs.high : message.lastCaptureNs !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.lastCaptureNs);
                if (message.lastError != null && $Object.hasOwnProperty.call(message, "lastError") && message.lastError !== "")
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.lastError);
                if (message.schedule != null && $Object.hasOwnProperty.call(message, "schedule") && message.schedule !== "")
                    writer.uint32(/* id 6, wireType 2 =*/50).string(message.schedule);
                if (message.disks != null && message.disks.length)
                    for (let i = 0; i < message.disks.length; ++i)
                        $root.umbra.v1.DiskStatus.encode(message.disks[i], writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a VmStatus message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.VmStatus
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.VmStatus & umbra.v1.VmStatus.$Shape} VmStatus
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            VmStatus.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.VmStatus();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vm = value;
                            else
                                delete message.vm;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.uuid = value;
                            else
                                delete message.uuid;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.state = value;
                            else
                                delete message.state;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.lastCaptureNs = value;
                            else
                                delete message.lastCaptureNs;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.lastError = value;
                            else
                                delete message.lastError;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.schedule = value;
                            else
                                delete message.schedule;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            if (!(message.disks && message.disks.length))
                                message.disks = [];
                            message.disks.push($root.umbra.v1.DiskStatus.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a VmStatus message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.VmStatus
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.VmStatus} VmStatus
             */
            VmStatus.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.VmStatus)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.VmStatus: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.VmStatus();
                if (object.vm != null)
                    if (typeof object.vm !== "string" || object.vm.length)
                        message.vm = $String(object.vm);
                if (object.uuid != null)
                    if (typeof object.uuid !== "string" || object.uuid.length)
                        message.uuid = $String(object.uuid);
                if (object.state !== 0 && (typeof object.state !== "string" || $root.umbra.v1.VmState[object.state] !== 0))
                    switch (object.state) {
                    case "VM_STATE_UNKNOWN":
                    case 0:
                        message.state = 0;
                        break;
                    case "VM_STATE_RUNNING":
                    case 1:
                        message.state = 1;
                        break;
                    case "VM_STATE_PAUSED":
                    case 2:
                        message.state = 2;
                        break;
                    case "VM_STATE_GONE":
                    case 3:
                        message.state = 3;
                        break;
                    default:
                        if (typeof object.state === "number" && (object.state | 0) === object.state)
                            message.state = object.state;
                    }
                if (object.lastCaptureNs != null)
                    if (typeof object.lastCaptureNs === "object" ? object.lastCaptureNs.low || object.lastCaptureNs.high : $Number(object.lastCaptureNs) !== 0)
                        if ($util.Long)
                            message.lastCaptureNs = $util.Long.fromValue(object.lastCaptureNs, true);
                        else if (typeof object.lastCaptureNs === "string")
                            message.lastCaptureNs = $parseInt(object.lastCaptureNs, 10);
                        else if (typeof object.lastCaptureNs === "number")
                            message.lastCaptureNs = object.lastCaptureNs;
                        else if (typeof object.lastCaptureNs === "object")
                            message.lastCaptureNs = new $util.LongBits(object.lastCaptureNs.low >>> 0, object.lastCaptureNs.high >>> 0).toNumber(true);
                if (object.lastError != null)
                    if (typeof object.lastError !== "string" || object.lastError.length)
                        message.lastError = $String(object.lastError);
                if (object.schedule != null)
                    if (typeof object.schedule !== "string" || object.schedule.length)
                        message.schedule = $String(object.schedule);
                if (object.disks) {
                    if (!$Array.isArray(object.disks))
                        throw $TypeError(".umbra.v1.VmStatus.disks: array expected");
                    message.disks = $Array(object.disks.length);
                    for (let i = 0; i < object.disks.length; ++i) {
                        if (!$util.isObject(object.disks[i]))
                            throw $TypeError(".umbra.v1.VmStatus.disks: object expected");
                        message.disks[i] = $root.umbra.v1.DiskStatus.fromObject(object.disks[i], _depth + 1);
                    }
                }
                return message;
            };

            /**
             * Creates a plain object from a VmStatus message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.VmStatus
             * @static
             * @param {umbra.v1.VmStatus} message VmStatus
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            VmStatus.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.disks = [];
                if (options.defaults) {
                    object.vm = "";
                    object.uuid = "";
                    object.state = options.enums === $String ? "VM_STATE_UNKNOWN" : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.lastCaptureNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.lastCaptureNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.lastError = "";
                    object.schedule = "";
                }
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm"))
                    object.vm = message.vm;
                if (message.uuid != null && $Object.hasOwnProperty.call(message, "uuid"))
                    object.uuid = message.uuid;
                if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                    object.state = options.enums === $String ? $root.umbra.v1.VmState[message.state] === $undefined ? message.state : $root.umbra.v1.VmState[message.state] : message.state;
                if (message.lastCaptureNs != null && $Object.hasOwnProperty.call(message, "lastCaptureNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.lastCaptureNs = typeof message.lastCaptureNs === "number" ? $BigInt(message.lastCaptureNs) : $util.Long.fromBits(message.lastCaptureNs.low >>> 0, message.lastCaptureNs.high >>> 0, true).toBigInt();
                    else if (typeof message.lastCaptureNs === "number")
                        object.lastCaptureNs = options.longs === $String ? $String(message.lastCaptureNs) : message.lastCaptureNs;
                    else
                        object.lastCaptureNs = options.longs === $String ? $util.Long.prototype.toString.call(message.lastCaptureNs) : options.longs === $Number ? new $util.LongBits(message.lastCaptureNs.low >>> 0, message.lastCaptureNs.high >>> 0).toNumber(true) : message.lastCaptureNs;
                if (message.lastError != null && $Object.hasOwnProperty.call(message, "lastError"))
                    object.lastError = message.lastError;
                if (message.schedule != null && $Object.hasOwnProperty.call(message, "schedule"))
                    object.schedule = message.schedule;
                if (message.disks && message.disks.length) {
                    object.disks = $Array(message.disks.length);
                    for (let j = 0; j < message.disks.length; ++j)
                        object.disks[j] = $root.umbra.v1.DiskStatus.toObject(message.disks[j], options, _depth + 1);
                }
                return object;
            };

            /**
             * Converts this VmStatus to JSON.
             * @function toJSON
             * @memberof umbra.v1.VmStatus
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            VmStatus.prototype.toJSON = function() {
                return VmStatus.toObject(this, $protobuf.util.toJSONOptions);
            };

            return VmStatus;
        })();

        v1.DiskStatus = (function() {

            /**
             * Properties of a DiskStatus.
             * @typedef {Object} umbra.v1.DiskStatus.$Properties
             * @property {string|null} [disk] DiskStatus disk
             * @property {Long|null} [sizeBytes] DiskStatus sizeBytes
             * @property {boolean|null} [excluded] DiskStatus excluded
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a DiskStatus.
             * @memberof umbra.v1
             * @interface IDiskStatus
             * @augments umbra.v1.DiskStatus.$Properties
             * @deprecated Use umbra.v1.DiskStatus.$Properties instead.
             */

            /**
             * Shape of a DiskStatus.
             * @typedef {umbra.v1.DiskStatus.$Properties} umbra.v1.DiskStatus.$Shape
             */

            /**
             * Constructs a new DiskStatus.
             * @memberof umbra.v1
             * @classdesc Represents a DiskStatus.
             * @constructor
             * @param {umbra.v1.DiskStatus.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const DiskStatus = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * DiskStatus disk.
             * @member {string} disk
             * @memberof umbra.v1.DiskStatus
             * @instance
             */
            DiskStatus.prototype.disk = "";

            /**
             * DiskStatus sizeBytes.
             * @member {Long} sizeBytes
             * @memberof umbra.v1.DiskStatus
             * @instance
             */
            DiskStatus.prototype.sizeBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * DiskStatus excluded.
             * @member {boolean} excluded
             * @memberof umbra.v1.DiskStatus
             * @instance
             */
            DiskStatus.prototype.excluded = false;

            /**
             * Creates a new DiskStatus instance using the specified properties.
             * @function create
             * @memberof umbra.v1.DiskStatus
             * @static
             * @param {umbra.v1.DiskStatus.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.DiskStatus} DiskStatus instance
             * @type {{
             *   (properties: umbra.v1.DiskStatus.$Shape): umbra.v1.DiskStatus & umbra.v1.DiskStatus.$Shape;
             *   (properties?: umbra.v1.DiskStatus.$Properties): umbra.v1.DiskStatus;
             * }}
             */
            DiskStatus.create = function(properties) {
                return new DiskStatus(properties);
            };

            /**
             * Encodes the specified DiskStatus message. Does not implicitly {@link umbra.v1.DiskStatus.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.DiskStatus
             * @static
             * @param {umbra.v1.DiskStatus.$Properties} message DiskStatus message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            DiskStatus.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk") && message.disk !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.disk);
                if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes") && (typeof message.sizeBytes === "object" ? message.sizeBytes.low || message.sizeBytes.high : message.sizeBytes !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.sizeBytes);
                if (message.excluded != null && $Object.hasOwnProperty.call(message, "excluded") && message.excluded !== false)
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.excluded);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a DiskStatus message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.DiskStatus
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.DiskStatus & umbra.v1.DiskStatus.$Shape} DiskStatus
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            DiskStatus.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.DiskStatus();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.disk = value;
                            else
                                delete message.disk;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sizeBytes = value;
                            else
                                delete message.sizeBytes;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.excluded = value;
                            else
                                delete message.excluded;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a DiskStatus message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.DiskStatus
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.DiskStatus} DiskStatus
             */
            DiskStatus.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.DiskStatus)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.DiskStatus: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.DiskStatus();
                if (object.disk != null)
                    if (typeof object.disk !== "string" || object.disk.length)
                        message.disk = $String(object.disk);
                if (object.sizeBytes != null)
                    if (typeof object.sizeBytes === "object" ? object.sizeBytes.low || object.sizeBytes.high : $Number(object.sizeBytes) !== 0)
                        if ($util.Long)
                            message.sizeBytes = $util.Long.fromValue(object.sizeBytes, true);
                        else if (typeof object.sizeBytes === "string")
                            message.sizeBytes = $parseInt(object.sizeBytes, 10);
                        else if (typeof object.sizeBytes === "number")
                            message.sizeBytes = object.sizeBytes;
                        else if (typeof object.sizeBytes === "object")
                            message.sizeBytes = new $util.LongBits(object.sizeBytes.low >>> 0, object.sizeBytes.high >>> 0).toNumber(true);
                if (object.excluded != null)
                    if (object.excluded)
                        message.excluded = $Boolean(object.excluded);
                return message;
            };

            /**
             * Creates a plain object from a DiskStatus message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.DiskStatus
             * @static
             * @param {umbra.v1.DiskStatus} message DiskStatus
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            DiskStatus.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.disk = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sizeBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sizeBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.excluded = false;
                }
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk"))
                    object.disk = message.disk;
                if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sizeBytes = typeof message.sizeBytes === "number" ? $BigInt(message.sizeBytes) : $util.Long.fromBits(message.sizeBytes.low >>> 0, message.sizeBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.sizeBytes === "number")
                        object.sizeBytes = options.longs === $String ? $String(message.sizeBytes) : message.sizeBytes;
                    else
                        object.sizeBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.sizeBytes) : options.longs === $Number ? new $util.LongBits(message.sizeBytes.low >>> 0, message.sizeBytes.high >>> 0).toNumber(true) : message.sizeBytes;
                if (message.excluded != null && $Object.hasOwnProperty.call(message, "excluded"))
                    object.excluded = message.excluded;
                return object;
            };

            /**
             * Converts this DiskStatus to JSON.
             * @function toJSON
             * @memberof umbra.v1.DiskStatus
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            DiskStatus.prototype.toJSON = function() {
                return DiskStatus.toObject(this, $protobuf.util.toJSONOptions);
            };

            return DiskStatus;
        })();

        /**
         * VmState enum.
         * @name umbra.v1.VmState
         * @enum {number}
         * @property {number} VM_STATE_UNKNOWN=0 VM_STATE_UNKNOWN value
         * @property {number} VM_STATE_RUNNING=1 VM_STATE_RUNNING value
         * @property {number} VM_STATE_PAUSED=2 VM_STATE_PAUSED value
         * @property {number} VM_STATE_GONE=3 VM_STATE_GONE value
         */
        v1.VmState = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "VM_STATE_UNKNOWN"] = 0;
            values[valuesById[1] = "VM_STATE_RUNNING"] = 1;
            values[valuesById[2] = "VM_STATE_PAUSED"] = 2;
            values[valuesById[3] = "VM_STATE_GONE"] = 3;
            return values;
        })();

        v1.TelemetryBatch = (function() {

            /**
             * Properties of a TelemetryBatch.
             * @typedef {Object} umbra.v1.TelemetryBatch.$Properties
             * @property {Long|null} [sequence] TelemetryBatch sequence
             * @property {Array.<umbra.v1.Sample.$Properties>|null} [samples] TelemetryBatch samples
             * @property {Uint8Array|null} [compressed] TelemetryBatch compressed
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TelemetryBatch.
             * @memberof umbra.v1
             * @interface ITelemetryBatch
             * @augments umbra.v1.TelemetryBatch.$Properties
             * @deprecated Use umbra.v1.TelemetryBatch.$Properties instead.
             */

            /**
             * Shape of a TelemetryBatch.
             * @typedef {umbra.v1.TelemetryBatch.$Properties} umbra.v1.TelemetryBatch.$Shape
             */

            /**
             * Constructs a new TelemetryBatch.
             * @memberof umbra.v1
             * @classdesc Represents a TelemetryBatch.
             * @constructor
             * @param {umbra.v1.TelemetryBatch.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TelemetryBatch = function (properties) {
                this.samples = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * TelemetryBatch sequence.
             * @member {Long} sequence
             * @memberof umbra.v1.TelemetryBatch
             * @instance
             */
            TelemetryBatch.prototype.sequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * TelemetryBatch samples.
             * @member {Array.<umbra.v1.Sample.$Properties>} samples
             * @memberof umbra.v1.TelemetryBatch
             * @instance
             */
            TelemetryBatch.prototype.samples = $util.emptyArray;

            /**
             * TelemetryBatch compressed.
             * @member {Uint8Array} compressed
             * @memberof umbra.v1.TelemetryBatch
             * @instance
             */
            TelemetryBatch.prototype.compressed = $util.newBuffer([]);

            /**
             * Creates a new TelemetryBatch instance using the specified properties.
             * @function create
             * @memberof umbra.v1.TelemetryBatch
             * @static
             * @param {umbra.v1.TelemetryBatch.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.TelemetryBatch} TelemetryBatch instance
             * @type {{
             *   (properties: umbra.v1.TelemetryBatch.$Shape): umbra.v1.TelemetryBatch & umbra.v1.TelemetryBatch.$Shape;
             *   (properties?: umbra.v1.TelemetryBatch.$Properties): umbra.v1.TelemetryBatch;
             * }}
             */
            TelemetryBatch.create = function(properties) {
                return new TelemetryBatch(properties);
            };

            /**
             * Encodes the specified TelemetryBatch message. Does not implicitly {@link umbra.v1.TelemetryBatch.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.TelemetryBatch
             * @static
             * @param {umbra.v1.TelemetryBatch.$Properties} message TelemetryBatch message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TelemetryBatch.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence") && (typeof message.sequence === "object" ? message.sequence.low || message.sequence.high : message.sequence !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.sequence);
                if (message.samples != null && message.samples.length)
                    for (let i = 0; i < message.samples.length; ++i)
                        $root.umbra.v1.Sample.encode(message.samples[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.compressed != null && $Object.hasOwnProperty.call(message, "compressed") && message.compressed.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.compressed);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TelemetryBatch message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.TelemetryBatch
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.TelemetryBatch & umbra.v1.TelemetryBatch.$Shape} TelemetryBatch
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TelemetryBatch.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.TelemetryBatch();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sequence = value;
                            else
                                delete message.sequence;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.samples && message.samples.length))
                                message.samples = [];
                            message.samples.push($root.umbra.v1.Sample.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.compressed = value;
                            else
                                delete message.compressed;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a TelemetryBatch message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.TelemetryBatch
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.TelemetryBatch} TelemetryBatch
             */
            TelemetryBatch.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.TelemetryBatch)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.TelemetryBatch: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.TelemetryBatch();
                if (object.sequence != null)
                    if (typeof object.sequence === "object" ? object.sequence.low || object.sequence.high : $Number(object.sequence) !== 0)
                        if ($util.Long)
                            message.sequence = $util.Long.fromValue(object.sequence, true);
                        else if (typeof object.sequence === "string")
                            message.sequence = $parseInt(object.sequence, 10);
                        else if (typeof object.sequence === "number")
                            message.sequence = object.sequence;
                        else if (typeof object.sequence === "object")
                            message.sequence = new $util.LongBits(object.sequence.low >>> 0, object.sequence.high >>> 0).toNumber(true);
                if (object.samples) {
                    if (!$Array.isArray(object.samples))
                        throw $TypeError(".umbra.v1.TelemetryBatch.samples: array expected");
                    message.samples = $Array(object.samples.length);
                    for (let i = 0; i < object.samples.length; ++i) {
                        if (!$util.isObject(object.samples[i]))
                            throw $TypeError(".umbra.v1.TelemetryBatch.samples: object expected");
                        message.samples[i] = $root.umbra.v1.Sample.fromObject(object.samples[i], _depth + 1);
                    }
                }
                if (object.compressed != null)
                    if (object.compressed.length)
                        if (typeof object.compressed === "string")
                            $util.base64.decode(object.compressed, message.compressed = $util.newBuffer($util.base64.length(object.compressed)), 0);
                        else if (object.compressed.length >= 0)
                            message.compressed = object.compressed;
                return message;
            };

            /**
             * Creates a plain object from a TelemetryBatch message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.TelemetryBatch
             * @static
             * @param {umbra.v1.TelemetryBatch} message TelemetryBatch
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            TelemetryBatch.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.samples = [];
                if (options.defaults) {
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sequence = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sequence = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if (options.bytes === $String)
                        object.compressed = "";
                    else {
                        object.compressed = [];
                        if (options.bytes !== $Array)
                            object.compressed = $util.newBuffer(object.compressed);
                    }
                }
                if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sequence = typeof message.sequence === "number" ? $BigInt(message.sequence) : $util.Long.fromBits(message.sequence.low >>> 0, message.sequence.high >>> 0, true).toBigInt();
                    else if (typeof message.sequence === "number")
                        object.sequence = options.longs === $String ? $String(message.sequence) : message.sequence;
                    else
                        object.sequence = options.longs === $String ? $util.Long.prototype.toString.call(message.sequence) : options.longs === $Number ? new $util.LongBits(message.sequence.low >>> 0, message.sequence.high >>> 0).toNumber(true) : message.sequence;
                if (message.samples && message.samples.length) {
                    object.samples = $Array(message.samples.length);
                    for (let j = 0; j < message.samples.length; ++j)
                        object.samples[j] = $root.umbra.v1.Sample.toObject(message.samples[j], options, _depth + 1);
                }
                if (message.compressed != null && $Object.hasOwnProperty.call(message, "compressed"))
                    object.compressed = options.bytes === $String ? $util.base64.encode(message.compressed, 0, message.compressed.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.compressed) : message.compressed;
                return object;
            };

            /**
             * Converts this TelemetryBatch to JSON.
             * @function toJSON
             * @memberof umbra.v1.TelemetryBatch
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            TelemetryBatch.prototype.toJSON = function() {
                return TelemetryBatch.toObject(this, $protobuf.util.toJSONOptions);
            };

            return TelemetryBatch;
        })();

        v1.Sample = (function() {

            /**
             * Properties of a Sample.
             * @typedef {Object} umbra.v1.Sample.$Properties
             * @property {string|null} [measurement] Sample measurement
             * @property {Object.<string,string>|null} [tags] Sample tags
             * @property {Long|null} [timeNs] Sample timeNs
             * @property {Object.<string,number>|null} [fields] Sample fields
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Sample.
             * @memberof umbra.v1
             * @interface ISample
             * @augments umbra.v1.Sample.$Properties
             * @deprecated Use umbra.v1.Sample.$Properties instead.
             */

            /**
             * Shape of a Sample.
             * @typedef {umbra.v1.Sample.$Properties} umbra.v1.Sample.$Shape
             */

            /**
             * Constructs a new Sample.
             * @memberof umbra.v1
             * @classdesc Represents a Sample.
             * @constructor
             * @param {umbra.v1.Sample.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Sample = function (properties) {
                this.tags = {};
                this.fields = {};
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Sample measurement.
             * @member {string} measurement
             * @memberof umbra.v1.Sample
             * @instance
             */
            Sample.prototype.measurement = "";

            /**
             * Sample tags.
             * @member {Object.<string,string>} tags
             * @memberof umbra.v1.Sample
             * @instance
             */
            Sample.prototype.tags = $util.emptyObject;

            /**
             * Sample timeNs.
             * @member {Long} timeNs
             * @memberof umbra.v1.Sample
             * @instance
             */
            Sample.prototype.timeNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Sample fields.
             * @member {Object.<string,number>} fields
             * @memberof umbra.v1.Sample
             * @instance
             */
            Sample.prototype.fields = $util.emptyObject;

            /**
             * Creates a new Sample instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Sample
             * @static
             * @param {umbra.v1.Sample.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Sample} Sample instance
             * @type {{
             *   (properties: umbra.v1.Sample.$Shape): umbra.v1.Sample & umbra.v1.Sample.$Shape;
             *   (properties?: umbra.v1.Sample.$Properties): umbra.v1.Sample;
             * }}
             */
            Sample.create = function(properties) {
                return new Sample(properties);
            };

            /**
             * Encodes the specified Sample message. Does not implicitly {@link umbra.v1.Sample.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Sample
             * @static
             * @param {umbra.v1.Sample.$Properties} message Sample message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Sample.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.measurement != null && $Object.hasOwnProperty.call(message, "measurement") && message.measurement !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.measurement);
                if (message.tags != null && $Object.hasOwnProperty.call(message, "tags"))
                    for (let keys = $Object.keys(message.tags), i = 0; i < keys.length; ++i)
                        writer.uint32(/* id 2, wireType 2 =*/18).fork().uint32(/* id 1, wireType 2 =*/10).string(keys[i]).uint32(/* id 2, wireType 2 =*/18).string(message.tags[keys[i]]).ldelim();
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs") && (typeof message.timeNs === "object" ? message.timeNs.low || message.timeNs.high : message.timeNs !== 0))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.timeNs);
                if (message.fields != null && $Object.hasOwnProperty.call(message, "fields"))
                    for (let keys = $Object.keys(message.fields), i = 0; i < keys.length; ++i)
                        writer.uint32(/* id 4, wireType 2 =*/34).fork().uint32(/* id 1, wireType 2 =*/10).string(keys[i]).uint32(/* id 2, wireType 1 =*/17).double(message.fields[keys[i]]).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Sample message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Sample
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Sample & umbra.v1.Sample.$Shape} Sample
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Sample.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, key, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Sample();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.measurement = value;
                            else
                                delete message.measurement;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (message.tags === $util.emptyObject)
                                message.tags = {};
                            let end2 = reader.size() + reader.pos;
                            if (end2 > reader.len)
                                throw $RangeError("index out of range");
                            reader.len = end2;
                            key = "";
                            value = "";
                            while (reader.pos < end2) {
                                let tag2 = reader.tag();
                                wireType = tag2 & 7;
                                switch (tag2 >>>= 3) {
                                case 1:
                                    if (wireType !== 2)
                                        break;
                                    key = reader.stringVerify();
                                    continue;
                                case 2:
                                    if (wireType !== 2)
                                        break;
                                    value = reader.stringVerify();
                                    continue;
                                }
                                reader.skipType(wireType, _depth, tag2);
                            }
                            if (reader.pos !== end2)
                                throw $RangeError("index out of range");
                            reader.len = end;
                            if (key === "__proto__")
                                $util.makeProp(message.tags, key);
                            message.tags[key] = value;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.timeNs = value;
                            else
                                delete message.timeNs;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if (message.fields === $util.emptyObject)
                                message.fields = {};
                            let end2 = reader.size() + reader.pos;
                            if (end2 > reader.len)
                                throw $RangeError("index out of range");
                            reader.len = end2;
                            key = "";
                            value = 0;
                            while (reader.pos < end2) {
                                let tag2 = reader.tag();
                                wireType = tag2 & 7;
                                switch (tag2 >>>= 3) {
                                case 1:
                                    if (wireType !== 2)
                                        break;
                                    key = reader.stringVerify();
                                    continue;
                                case 2:
                                    if (wireType !== 1)
                                        break;
                                    value = reader.double();
                                    continue;
                                }
                                reader.skipType(wireType, _depth, tag2);
                            }
                            if (reader.pos !== end2)
                                throw $RangeError("index out of range");
                            reader.len = end;
                            if (key === "__proto__")
                                $util.makeProp(message.fields, key);
                            message.fields[key] = value;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a Sample message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Sample
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Sample} Sample
             */
            Sample.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Sample)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Sample: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Sample();
                if (object.measurement != null)
                    if (typeof object.measurement !== "string" || object.measurement.length)
                        message.measurement = $String(object.measurement);
                if (object.tags) {
                    if (!$util.isObject(object.tags))
                        throw $TypeError(".umbra.v1.Sample.tags: object expected");
                    message.tags = {};
                    for (let keys = $Object.keys(object.tags), i = 0; i < keys.length; ++i) {
                        if (keys[i] === "__proto__")
                            $util.makeProp(message.tags, keys[i]);
                        message.tags[keys[i]] = $String(object.tags[keys[i]]);
                    }
                }
                if (object.timeNs != null)
                    if (typeof object.timeNs === "object" ? object.timeNs.low || object.timeNs.high : $Number(object.timeNs) !== 0)
                        if ($util.Long)
                            message.timeNs = $util.Long.fromValue(object.timeNs, true);
                        else if (typeof object.timeNs === "string")
                            message.timeNs = $parseInt(object.timeNs, 10);
                        else if (typeof object.timeNs === "number")
                            message.timeNs = object.timeNs;
                        else if (typeof object.timeNs === "object")
                            message.timeNs = new $util.LongBits(object.timeNs.low >>> 0, object.timeNs.high >>> 0).toNumber(true);
                if (object.fields) {
                    if (!$util.isObject(object.fields))
                        throw $TypeError(".umbra.v1.Sample.fields: object expected");
                    message.fields = {};
                    for (let keys = $Object.keys(object.fields), i = 0; i < keys.length; ++i) {
                        if (keys[i] === "__proto__")
                            $util.makeProp(message.fields, keys[i]);
                        message.fields[keys[i]] = $Number(object.fields[keys[i]]);
                    }
                }
                return message;
            };

            /**
             * Creates a plain object from a Sample message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Sample
             * @static
             * @param {umbra.v1.Sample} message Sample
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Sample.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.objects || options.defaults) {
                    object.tags = {};
                    object.fields = {};
                }
                if (options.defaults) {
                    object.measurement = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.timeNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.timeNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.measurement != null && $Object.hasOwnProperty.call(message, "measurement"))
                    object.measurement = message.measurement;
                let keys2;
                if (message.tags && (keys2 = $Object.keys(message.tags)).length) {
                    object.tags = {};
                    for (let j = 0; j < keys2.length; ++j) {
                        if (keys2[j] === "__proto__")
                            $util.makeProp(object.tags, keys2[j]);
                        object.tags[keys2[j]] = message.tags[keys2[j]];
                    }
                }
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.timeNs = typeof message.timeNs === "number" ? $BigInt(message.timeNs) : $util.Long.fromBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0, true).toBigInt();
                    else if (typeof message.timeNs === "number")
                        object.timeNs = options.longs === $String ? $String(message.timeNs) : message.timeNs;
                    else
                        object.timeNs = options.longs === $String ? $util.Long.prototype.toString.call(message.timeNs) : options.longs === $Number ? new $util.LongBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0).toNumber(true) : message.timeNs;
                if (message.fields && (keys2 = $Object.keys(message.fields)).length) {
                    object.fields = {};
                    for (let j = 0; j < keys2.length; ++j) {
                        if (keys2[j] === "__proto__")
                            $util.makeProp(object.fields, keys2[j]);
                        object.fields[keys2[j]] = options.json && !$isFinite(message.fields[keys2[j]]) ? $String(message.fields[keys2[j]]) : message.fields[keys2[j]];
                    }
                }
                return object;
            };

            /**
             * Converts this Sample to JSON.
             * @function toJSON
             * @memberof umbra.v1.Sample
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Sample.prototype.toJSON = function() {
                return Sample.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Sample;
        })();

        v1.TelemetryAck = (function() {

            /**
             * Properties of a TelemetryAck.
             * @typedef {Object} umbra.v1.TelemetryAck.$Properties
             * @property {Long|null} [sequence] TelemetryAck sequence
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TelemetryAck.
             * @memberof umbra.v1
             * @interface ITelemetryAck
             * @augments umbra.v1.TelemetryAck.$Properties
             * @deprecated Use umbra.v1.TelemetryAck.$Properties instead.
             */

            /**
             * Shape of a TelemetryAck.
             * @typedef {umbra.v1.TelemetryAck.$Properties} umbra.v1.TelemetryAck.$Shape
             */

            /**
             * Constructs a new TelemetryAck.
             * @memberof umbra.v1
             * @classdesc Represents a TelemetryAck.
             * @constructor
             * @param {umbra.v1.TelemetryAck.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TelemetryAck = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * TelemetryAck sequence.
             * @member {Long} sequence
             * @memberof umbra.v1.TelemetryAck
             * @instance
             */
            TelemetryAck.prototype.sequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new TelemetryAck instance using the specified properties.
             * @function create
             * @memberof umbra.v1.TelemetryAck
             * @static
             * @param {umbra.v1.TelemetryAck.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.TelemetryAck} TelemetryAck instance
             * @type {{
             *   (properties: umbra.v1.TelemetryAck.$Shape): umbra.v1.TelemetryAck & umbra.v1.TelemetryAck.$Shape;
             *   (properties?: umbra.v1.TelemetryAck.$Properties): umbra.v1.TelemetryAck;
             * }}
             */
            TelemetryAck.create = function(properties) {
                return new TelemetryAck(properties);
            };

            /**
             * Encodes the specified TelemetryAck message. Does not implicitly {@link umbra.v1.TelemetryAck.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.TelemetryAck
             * @static
             * @param {umbra.v1.TelemetryAck.$Properties} message TelemetryAck message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TelemetryAck.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence") && (typeof message.sequence === "object" ? message.sequence.low || message.sequence.high : message.sequence !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.sequence);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TelemetryAck message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.TelemetryAck
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.TelemetryAck & umbra.v1.TelemetryAck.$Shape} TelemetryAck
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TelemetryAck.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.TelemetryAck();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sequence = value;
                            else
                                delete message.sequence;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a TelemetryAck message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.TelemetryAck
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.TelemetryAck} TelemetryAck
             */
            TelemetryAck.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.TelemetryAck)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.TelemetryAck: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.TelemetryAck();
                if (object.sequence != null)
                    if (typeof object.sequence === "object" ? object.sequence.low || object.sequence.high : $Number(object.sequence) !== 0)
                        if ($util.Long)
                            message.sequence = $util.Long.fromValue(object.sequence, true);
                        else if (typeof object.sequence === "string")
                            message.sequence = $parseInt(object.sequence, 10);
                        else if (typeof object.sequence === "number")
                            message.sequence = object.sequence;
                        else if (typeof object.sequence === "object")
                            message.sequence = new $util.LongBits(object.sequence.low >>> 0, object.sequence.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from a TelemetryAck message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.TelemetryAck
             * @static
             * @param {umbra.v1.TelemetryAck} message TelemetryAck
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            TelemetryAck.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults)
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sequence = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sequence = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sequence = typeof message.sequence === "number" ? $BigInt(message.sequence) : $util.Long.fromBits(message.sequence.low >>> 0, message.sequence.high >>> 0, true).toBigInt();
                    else if (typeof message.sequence === "number")
                        object.sequence = options.longs === $String ? $String(message.sequence) : message.sequence;
                    else
                        object.sequence = options.longs === $String ? $util.Long.prototype.toString.call(message.sequence) : options.longs === $Number ? new $util.LongBits(message.sequence.low >>> 0, message.sequence.high >>> 0).toNumber(true) : message.sequence;
                return object;
            };

            /**
             * Converts this TelemetryAck to JSON.
             * @function toJSON
             * @memberof umbra.v1.TelemetryAck
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            TelemetryAck.prototype.toJSON = function() {
                return TelemetryAck.toObject(this, $protobuf.util.toJSONOptions);
            };

            return TelemetryAck;
        })();

        v1.Order = (function() {

            /**
             * Properties of an Order.
             * @typedef {Object} umbra.v1.Order.$Properties
             * @property {string|null} [orderId] Order orderId
             * @property {umbra.v1.CaptureNow.$Properties|null} [captureNow] Order captureNow
             * @property {umbra.v1.SetPolicy.$Properties|null} [setPolicy] Order setPolicy
             * @property {umbra.v1.RunTrial.$Properties|null} [runTrial] Order runTrial
             * @property {umbra.v1.SendBlocks.$Properties|null} [sendBlocks] Order sendBlocks
             * @property {"captureNow"|"setPolicy"|"runTrial"|"sendBlocks"} [body] Order body
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an Order.
             * @memberof umbra.v1
             * @interface IOrder
             * @augments umbra.v1.Order.$Properties
             * @deprecated Use umbra.v1.Order.$Properties instead.
             */

            /**
             * Narrowed shape of an Order.
             * @typedef {{
             *   orderId?: string|null;
             *   captureNow?: umbra.v1.CaptureNow.$Shape|null;
             *   setPolicy?: umbra.v1.SetPolicy.$Shape|null;
             *   runTrial?: umbra.v1.RunTrial.$Shape|null;
             *   sendBlocks?: umbra.v1.SendBlocks.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ body?: undefined; captureNow?: null; setPolicy?: null; runTrial?: null; sendBlocks?: null }|{ body?: "captureNow"; captureNow: umbra.v1.CaptureNow.$Shape; setPolicy?: null; runTrial?: null; sendBlocks?: null }|{ body?: "setPolicy"; captureNow?: null; setPolicy: umbra.v1.SetPolicy.$Shape; runTrial?: null; sendBlocks?: null }|{ body?: "runTrial"; captureNow?: null; setPolicy?: null; runTrial: umbra.v1.RunTrial.$Shape; sendBlocks?: null }|{ body?: "sendBlocks"; captureNow?: null; setPolicy?: null; runTrial?: null; sendBlocks: umbra.v1.SendBlocks.$Shape })
             * )} umbra.v1.Order.$Shape
             */

            /**
             * Constructs a new Order.
             * @memberof umbra.v1
             * @classdesc Represents an Order.
             * @constructor
             * @param {umbra.v1.Order.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Order = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Order orderId.
             * @member {string} orderId
             * @memberof umbra.v1.Order
             * @instance
             */
            Order.prototype.orderId = "";

            /**
             * Order captureNow.
             * @member {umbra.v1.CaptureNow.$Properties|null|undefined} captureNow
             * @memberof umbra.v1.Order
             * @instance
             */
            Order.prototype.captureNow = null;

            /**
             * Order setPolicy.
             * @member {umbra.v1.SetPolicy.$Properties|null|undefined} setPolicy
             * @memberof umbra.v1.Order
             * @instance
             */
            Order.prototype.setPolicy = null;

            /**
             * Order runTrial.
             * @member {umbra.v1.RunTrial.$Properties|null|undefined} runTrial
             * @memberof umbra.v1.Order
             * @instance
             */
            Order.prototype.runTrial = null;

            /**
             * Order sendBlocks.
             * @member {umbra.v1.SendBlocks.$Properties|null|undefined} sendBlocks
             * @memberof umbra.v1.Order
             * @instance
             */
            Order.prototype.sendBlocks = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * Order body.
             * @member {"captureNow"|"setPolicy"|"runTrial"|"sendBlocks"|undefined} body
             * @memberof umbra.v1.Order
             * @instance
             */
            $Object.defineProperty(Order.prototype, "body", {
                get: $util.oneOfGetter($oneOfFields = ["captureNow", "setPolicy", "runTrial", "sendBlocks"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new Order instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Order
             * @static
             * @param {umbra.v1.Order.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Order} Order instance
             * @type {{
             *   (properties: umbra.v1.Order.$Shape): umbra.v1.Order & umbra.v1.Order.$Shape;
             *   (properties?: umbra.v1.Order.$Properties): umbra.v1.Order;
             * }}
             */
            Order.create = function(properties) {
                return new Order(properties);
            };

            /**
             * Encodes the specified Order message. Does not implicitly {@link umbra.v1.Order.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Order
             * @static
             * @param {umbra.v1.Order.$Properties} message Order message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Order.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.orderId != null && $Object.hasOwnProperty.call(message, "orderId") && message.orderId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.orderId);
                if (message.captureNow != null && $Object.hasOwnProperty.call(message, "captureNow"))
                    $root.umbra.v1.CaptureNow.encode(message.captureNow, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.setPolicy != null && $Object.hasOwnProperty.call(message, "setPolicy"))
                    $root.umbra.v1.SetPolicy.encode(message.setPolicy, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.runTrial != null && $Object.hasOwnProperty.call(message, "runTrial"))
                    $root.umbra.v1.RunTrial.encode(message.runTrial, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.sendBlocks != null && $Object.hasOwnProperty.call(message, "sendBlocks"))
                    $root.umbra.v1.SendBlocks.encode(message.sendBlocks, writer.uint32(/* id 10, wireType 2 =*/82).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an Order message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Order
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Order & umbra.v1.Order.$Shape} Order
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Order.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Order();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.orderId = value;
                            else
                                delete message.orderId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.captureNow = $root.umbra.v1.CaptureNow.decode(reader, reader.size(), $undefined, _depth + 1, message.captureNow);
                            message.body = "captureNow";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.setPolicy = $root.umbra.v1.SetPolicy.decode(reader, reader.size(), $undefined, _depth + 1, message.setPolicy);
                            message.body = "setPolicy";
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.runTrial = $root.umbra.v1.RunTrial.decode(reader, reader.size(), $undefined, _depth + 1, message.runTrial);
                            message.body = "runTrial";
                            continue;
                        }
                    case 10: {
                            if (wireType !== 2)
                                break;
                            message.sendBlocks = $root.umbra.v1.SendBlocks.decode(reader, reader.size(), $undefined, _depth + 1, message.sendBlocks);
                            message.body = "sendBlocks";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates an Order message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Order
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Order} Order
             */
            Order.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Order)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Order: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Order();
                if (object.orderId != null)
                    if (typeof object.orderId !== "string" || object.orderId.length)
                        message.orderId = $String(object.orderId);
                if (object.captureNow != null) {
                    if (!$util.isObject(object.captureNow))
                        throw $TypeError(".umbra.v1.Order.captureNow: object expected");
                    message.captureNow = $root.umbra.v1.CaptureNow.fromObject(object.captureNow, _depth + 1);
                }
                if (object.setPolicy != null) {
                    if (!$util.isObject(object.setPolicy))
                        throw $TypeError(".umbra.v1.Order.setPolicy: object expected");
                    message.setPolicy = $root.umbra.v1.SetPolicy.fromObject(object.setPolicy, _depth + 1);
                }
                if (object.runTrial != null) {
                    if (!$util.isObject(object.runTrial))
                        throw $TypeError(".umbra.v1.Order.runTrial: object expected");
                    message.runTrial = $root.umbra.v1.RunTrial.fromObject(object.runTrial, _depth + 1);
                }
                if (object.sendBlocks != null) {
                    if (!$util.isObject(object.sendBlocks))
                        throw $TypeError(".umbra.v1.Order.sendBlocks: object expected");
                    message.sendBlocks = $root.umbra.v1.SendBlocks.fromObject(object.sendBlocks, _depth + 1);
                }
                return message;
            };

            /**
             * Creates a plain object from an Order message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Order
             * @static
             * @param {umbra.v1.Order} message Order
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Order.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults)
                    object.orderId = "";
                if (message.orderId != null && $Object.hasOwnProperty.call(message, "orderId"))
                    object.orderId = message.orderId;
                if (message.captureNow != null && $Object.hasOwnProperty.call(message, "captureNow")) {
                    object.captureNow = $root.umbra.v1.CaptureNow.toObject(message.captureNow, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "captureNow";
                }
                if (message.setPolicy != null && $Object.hasOwnProperty.call(message, "setPolicy")) {
                    object.setPolicy = $root.umbra.v1.SetPolicy.toObject(message.setPolicy, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "setPolicy";
                }
                if (message.runTrial != null && $Object.hasOwnProperty.call(message, "runTrial")) {
                    object.runTrial = $root.umbra.v1.RunTrial.toObject(message.runTrial, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "runTrial";
                }
                if (message.sendBlocks != null && $Object.hasOwnProperty.call(message, "sendBlocks")) {
                    object.sendBlocks = $root.umbra.v1.SendBlocks.toObject(message.sendBlocks, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "sendBlocks";
                }
                return object;
            };

            /**
             * Converts this Order to JSON.
             * @function toJSON
             * @memberof umbra.v1.Order
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Order.prototype.toJSON = function() {
                return Order.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Order;
        })();

        v1.CaptureNow = (function() {

            /**
             * Properties of a CaptureNow.
             * @typedef {Object} umbra.v1.CaptureNow.$Properties
             * @property {string|null} [vm] CaptureNow vm
             * @property {boolean|null} [anew] CaptureNow anew
             * @property {boolean|null} [state] CaptureNow state
             * @property {boolean|null} [allowPause] CaptureNow allowPause
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a CaptureNow.
             * @memberof umbra.v1
             * @interface ICaptureNow
             * @augments umbra.v1.CaptureNow.$Properties
             * @deprecated Use umbra.v1.CaptureNow.$Properties instead.
             */

            /**
             * Shape of a CaptureNow.
             * @typedef {umbra.v1.CaptureNow.$Properties} umbra.v1.CaptureNow.$Shape
             */

            /**
             * Constructs a new CaptureNow.
             * @memberof umbra.v1
             * @classdesc Represents a CaptureNow.
             * @constructor
             * @param {umbra.v1.CaptureNow.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const CaptureNow = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * CaptureNow vm.
             * @member {string} vm
             * @memberof umbra.v1.CaptureNow
             * @instance
             */
            CaptureNow.prototype.vm = "";

            /**
             * CaptureNow anew.
             * @member {boolean} anew
             * @memberof umbra.v1.CaptureNow
             * @instance
             */
            CaptureNow.prototype.anew = false;

            /**
             * CaptureNow state.
             * @member {boolean} state
             * @memberof umbra.v1.CaptureNow
             * @instance
             */
            CaptureNow.prototype.state = false;

            /**
             * CaptureNow allowPause.
             * @member {boolean} allowPause
             * @memberof umbra.v1.CaptureNow
             * @instance
             */
            CaptureNow.prototype.allowPause = false;

            /**
             * Creates a new CaptureNow instance using the specified properties.
             * @function create
             * @memberof umbra.v1.CaptureNow
             * @static
             * @param {umbra.v1.CaptureNow.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.CaptureNow} CaptureNow instance
             * @type {{
             *   (properties: umbra.v1.CaptureNow.$Shape): umbra.v1.CaptureNow & umbra.v1.CaptureNow.$Shape;
             *   (properties?: umbra.v1.CaptureNow.$Properties): umbra.v1.CaptureNow;
             * }}
             */
            CaptureNow.create = function(properties) {
                return new CaptureNow(properties);
            };

            /**
             * Encodes the specified CaptureNow message. Does not implicitly {@link umbra.v1.CaptureNow.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.CaptureNow
             * @static
             * @param {umbra.v1.CaptureNow.$Properties} message CaptureNow message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            CaptureNow.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm") && message.vm !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.vm);
                if (message.anew != null && $Object.hasOwnProperty.call(message, "anew") && message.anew !== false)
                    writer.uint32(/* id 2, wireType 0 =*/16).bool(message.anew);
                if (message.state != null && $Object.hasOwnProperty.call(message, "state") && message.state !== false)
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.state);
                if (message.allowPause != null && $Object.hasOwnProperty.call(message, "allowPause") && message.allowPause !== false)
                    writer.uint32(/* id 4, wireType 0 =*/32).bool(message.allowPause);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a CaptureNow message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.CaptureNow
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.CaptureNow & umbra.v1.CaptureNow.$Shape} CaptureNow
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            CaptureNow.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.CaptureNow();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vm = value;
                            else
                                delete message.vm;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.anew = value;
                            else
                                delete message.anew;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.state = value;
                            else
                                delete message.state;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.allowPause = value;
                            else
                                delete message.allowPause;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a CaptureNow message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.CaptureNow
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.CaptureNow} CaptureNow
             */
            CaptureNow.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.CaptureNow)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.CaptureNow: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.CaptureNow();
                if (object.vm != null)
                    if (typeof object.vm !== "string" || object.vm.length)
                        message.vm = $String(object.vm);
                if (object.anew != null)
                    if (object.anew)
                        message.anew = $Boolean(object.anew);
                if (object.state != null)
                    if (object.state)
                        message.state = $Boolean(object.state);
                if (object.allowPause != null)
                    if (object.allowPause)
                        message.allowPause = $Boolean(object.allowPause);
                return message;
            };

            /**
             * Creates a plain object from a CaptureNow message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.CaptureNow
             * @static
             * @param {umbra.v1.CaptureNow} message CaptureNow
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            CaptureNow.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.vm = "";
                    object.anew = false;
                    object.state = false;
                    object.allowPause = false;
                }
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm"))
                    object.vm = message.vm;
                if (message.anew != null && $Object.hasOwnProperty.call(message, "anew"))
                    object.anew = message.anew;
                if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                    object.state = message.state;
                if (message.allowPause != null && $Object.hasOwnProperty.call(message, "allowPause"))
                    object.allowPause = message.allowPause;
                return object;
            };

            /**
             * Converts this CaptureNow to JSON.
             * @function toJSON
             * @memberof umbra.v1.CaptureNow
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            CaptureNow.prototype.toJSON = function() {
                return CaptureNow.toObject(this, $protobuf.util.toJSONOptions);
            };

            return CaptureNow;
        })();

        v1.SendBlocks = (function() {

            /**
             * Properties of a SendBlocks.
             * @typedef {Object} umbra.v1.SendBlocks.$Properties
             * @property {string|null} [vm] SendBlocks vm
             * @property {Uint8Array|null} [names] SendBlocks names
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a SendBlocks.
             * @memberof umbra.v1
             * @interface ISendBlocks
             * @augments umbra.v1.SendBlocks.$Properties
             * @deprecated Use umbra.v1.SendBlocks.$Properties instead.
             */

            /**
             * Shape of a SendBlocks.
             * @typedef {umbra.v1.SendBlocks.$Properties} umbra.v1.SendBlocks.$Shape
             */

            /**
             * Constructs a new SendBlocks.
             * @memberof umbra.v1
             * @classdesc Represents a SendBlocks.
             * @constructor
             * @param {umbra.v1.SendBlocks.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const SendBlocks = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * SendBlocks vm.
             * @member {string} vm
             * @memberof umbra.v1.SendBlocks
             * @instance
             */
            SendBlocks.prototype.vm = "";

            /**
             * SendBlocks names.
             * @member {Uint8Array} names
             * @memberof umbra.v1.SendBlocks
             * @instance
             */
            SendBlocks.prototype.names = $util.newBuffer([]);

            /**
             * Creates a new SendBlocks instance using the specified properties.
             * @function create
             * @memberof umbra.v1.SendBlocks
             * @static
             * @param {umbra.v1.SendBlocks.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.SendBlocks} SendBlocks instance
             * @type {{
             *   (properties: umbra.v1.SendBlocks.$Shape): umbra.v1.SendBlocks & umbra.v1.SendBlocks.$Shape;
             *   (properties?: umbra.v1.SendBlocks.$Properties): umbra.v1.SendBlocks;
             * }}
             */
            SendBlocks.create = function(properties) {
                return new SendBlocks(properties);
            };

            /**
             * Encodes the specified SendBlocks message. Does not implicitly {@link umbra.v1.SendBlocks.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.SendBlocks
             * @static
             * @param {umbra.v1.SendBlocks.$Properties} message SendBlocks message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            SendBlocks.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm") && message.vm !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.vm);
                if (message.names != null && $Object.hasOwnProperty.call(message, "names") && message.names.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.names);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a SendBlocks message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.SendBlocks
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.SendBlocks & umbra.v1.SendBlocks.$Shape} SendBlocks
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            SendBlocks.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.SendBlocks();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vm = value;
                            else
                                delete message.vm;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.names = value;
                            else
                                delete message.names;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a SendBlocks message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.SendBlocks
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.SendBlocks} SendBlocks
             */
            SendBlocks.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.SendBlocks)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.SendBlocks: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.SendBlocks();
                if (object.vm != null)
                    if (typeof object.vm !== "string" || object.vm.length)
                        message.vm = $String(object.vm);
                if (object.names != null)
                    if (object.names.length)
                        if (typeof object.names === "string")
                            $util.base64.decode(object.names, message.names = $util.newBuffer($util.base64.length(object.names)), 0);
                        else if (object.names.length >= 0)
                            message.names = object.names;
                return message;
            };

            /**
             * Creates a plain object from a SendBlocks message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.SendBlocks
             * @static
             * @param {umbra.v1.SendBlocks} message SendBlocks
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            SendBlocks.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.vm = "";
                    if (options.bytes === $String)
                        object.names = "";
                    else {
                        object.names = [];
                        if (options.bytes !== $Array)
                            object.names = $util.newBuffer(object.names);
                    }
                }
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm"))
                    object.vm = message.vm;
                if (message.names != null && $Object.hasOwnProperty.call(message, "names"))
                    object.names = options.bytes === $String ? $util.base64.encode(message.names, 0, message.names.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.names) : message.names;
                return object;
            };

            /**
             * Converts this SendBlocks to JSON.
             * @function toJSON
             * @memberof umbra.v1.SendBlocks
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            SendBlocks.prototype.toJSON = function() {
                return SendBlocks.toObject(this, $protobuf.util.toJSONOptions);
            };

            return SendBlocks;
        })();

        v1.RunTrial = (function() {

            /**
             * Properties of a RunTrial.
             * @typedef {Object} umbra.v1.RunTrial.$Properties
             * @property {Uint8Array|null} [ticket] RunTrial ticket
             * @property {string|null} [vm] RunTrial vm
             * @property {Long|null} [timeNs] RunTrial timeNs
             * @property {number|null} [clones] RunTrial clones
             * @property {Long|null} [durationMs] RunTrial durationMs
             * @property {Array.<Uint8Array>|null} [profiles] RunTrial profiles
             * @property {Uint8Array|null} [probes] RunTrial probes
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a RunTrial.
             * @memberof umbra.v1
             * @interface IRunTrial
             * @augments umbra.v1.RunTrial.$Properties
             * @deprecated Use umbra.v1.RunTrial.$Properties instead.
             */

            /**
             * Shape of a RunTrial.
             * @typedef {umbra.v1.RunTrial.$Properties} umbra.v1.RunTrial.$Shape
             */

            /**
             * Constructs a new RunTrial.
             * @memberof umbra.v1
             * @classdesc Represents a RunTrial.
             * @constructor
             * @param {umbra.v1.RunTrial.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const RunTrial = function (properties) {
                this.profiles = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * RunTrial ticket.
             * @member {Uint8Array} ticket
             * @memberof umbra.v1.RunTrial
             * @instance
             */
            RunTrial.prototype.ticket = $util.newBuffer([]);

            /**
             * RunTrial vm.
             * @member {string} vm
             * @memberof umbra.v1.RunTrial
             * @instance
             */
            RunTrial.prototype.vm = "";

            /**
             * RunTrial timeNs.
             * @member {Long} timeNs
             * @memberof umbra.v1.RunTrial
             * @instance
             */
            RunTrial.prototype.timeNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * RunTrial clones.
             * @member {number} clones
             * @memberof umbra.v1.RunTrial
             * @instance
             */
            RunTrial.prototype.clones = 0;

            /**
             * RunTrial durationMs.
             * @member {Long} durationMs
             * @memberof umbra.v1.RunTrial
             * @instance
             */
            RunTrial.prototype.durationMs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * RunTrial profiles.
             * @member {Array.<Uint8Array>} profiles
             * @memberof umbra.v1.RunTrial
             * @instance
             */
            RunTrial.prototype.profiles = $util.emptyArray;

            /**
             * RunTrial probes.
             * @member {Uint8Array} probes
             * @memberof umbra.v1.RunTrial
             * @instance
             */
            RunTrial.prototype.probes = $util.newBuffer([]);

            /**
             * Creates a new RunTrial instance using the specified properties.
             * @function create
             * @memberof umbra.v1.RunTrial
             * @static
             * @param {umbra.v1.RunTrial.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.RunTrial} RunTrial instance
             * @type {{
             *   (properties: umbra.v1.RunTrial.$Shape): umbra.v1.RunTrial & umbra.v1.RunTrial.$Shape;
             *   (properties?: umbra.v1.RunTrial.$Properties): umbra.v1.RunTrial;
             * }}
             */
            RunTrial.create = function(properties) {
                return new RunTrial(properties);
            };

            /**
             * Encodes the specified RunTrial message. Does not implicitly {@link umbra.v1.RunTrial.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.RunTrial
             * @static
             * @param {umbra.v1.RunTrial.$Properties} message RunTrial message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            RunTrial.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.ticket != null && $Object.hasOwnProperty.call(message, "ticket") && message.ticket.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.ticket);
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm") && message.vm !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.vm);
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs") && (typeof message.timeNs === "object" ? message.timeNs.low || message.timeNs.high : message.timeNs !== 0))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.timeNs);
                if (message.clones != null && $Object.hasOwnProperty.call(message, "clones") && message.clones !== 0)
                    writer.uint32(/* id 4, wireType 0 =*/32).uint32(message.clones);
                if (message.durationMs != null && $Object.hasOwnProperty.call(message, "durationMs") && (typeof message.durationMs === "object" ? message.durationMs.low || message.durationMs.high : message.durationMs !== 0))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.durationMs);
                if (message.profiles != null && message.profiles.length)
                    for (let i = 0; i < message.profiles.length; ++i)
                        writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.profiles[i]);
                if (message.probes != null && $Object.hasOwnProperty.call(message, "probes") && message.probes.length)
                    writer.uint32(/* id 7, wireType 2 =*/58).bytes(message.probes);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a RunTrial message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.RunTrial
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.RunTrial & umbra.v1.RunTrial.$Shape} RunTrial
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            RunTrial.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.RunTrial();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.ticket = value;
                            else
                                delete message.ticket;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vm = value;
                            else
                                delete message.vm;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.timeNs = value;
                            else
                                delete message.timeNs;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.clones = value;
                            else
                                delete message.clones;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.durationMs = value;
                            else
                                delete message.durationMs;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if (!(message.profiles && message.profiles.length))
                                message.profiles = [];
                            message.profiles.push(reader.bytes());
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.probes = value;
                            else
                                delete message.probes;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a RunTrial message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.RunTrial
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.RunTrial} RunTrial
             */
            RunTrial.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.RunTrial)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.RunTrial: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.RunTrial();
                if (object.ticket != null)
                    if (object.ticket.length)
                        if (typeof object.ticket === "string")
                            $util.base64.decode(object.ticket, message.ticket = $util.newBuffer($util.base64.length(object.ticket)), 0);
                        else if (object.ticket.length >= 0)
                            message.ticket = object.ticket;
                if (object.vm != null)
                    if (typeof object.vm !== "string" || object.vm.length)
                        message.vm = $String(object.vm);
                if (object.timeNs != null)
                    if (typeof object.timeNs === "object" ? object.timeNs.low || object.timeNs.high : $Number(object.timeNs) !== 0)
                        if ($util.Long)
                            message.timeNs = $util.Long.fromValue(object.timeNs, true);
                        else if (typeof object.timeNs === "string")
                            message.timeNs = $parseInt(object.timeNs, 10);
                        else if (typeof object.timeNs === "number")
                            message.timeNs = object.timeNs;
                        else if (typeof object.timeNs === "object")
                            message.timeNs = new $util.LongBits(object.timeNs.low >>> 0, object.timeNs.high >>> 0).toNumber(true);
                if (object.clones != null)
                    if ($Number(object.clones) !== 0)
                        message.clones = object.clones >>> 0;
                if (object.durationMs != null)
                    if (typeof object.durationMs === "object" ? object.durationMs.low || object.durationMs.high : $Number(object.durationMs) !== 0)
                        if ($util.Long)
                            message.durationMs = $util.Long.fromValue(object.durationMs, true);
                        else if (typeof object.durationMs === "string")
                            message.durationMs = $parseInt(object.durationMs, 10);
                        else if (typeof object.durationMs === "number")
                            message.durationMs = object.durationMs;
                        else if (typeof object.durationMs === "object")
                            message.durationMs = new $util.LongBits(object.durationMs.low >>> 0, object.durationMs.high >>> 0).toNumber(true);
                if (object.profiles) {
                    if (!$Array.isArray(object.profiles))
                        throw $TypeError(".umbra.v1.RunTrial.profiles: array expected");
                    message.profiles = $Array(object.profiles.length);
                    for (let i = 0; i < object.profiles.length; ++i)
                        if (typeof object.profiles[i] === "string")
                            $util.base64.decode(object.profiles[i], message.profiles[i] = $util.newBuffer($util.base64.length(object.profiles[i])), 0);
                        else if (object.profiles[i].length >= 0)
                            message.profiles[i] = object.profiles[i];
                }
                if (object.probes != null)
                    if (object.probes.length)
                        if (typeof object.probes === "string")
                            $util.base64.decode(object.probes, message.probes = $util.newBuffer($util.base64.length(object.probes)), 0);
                        else if (object.probes.length >= 0)
                            message.probes = object.probes;
                return message;
            };

            /**
             * Creates a plain object from a RunTrial message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.RunTrial
             * @static
             * @param {umbra.v1.RunTrial} message RunTrial
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            RunTrial.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.profiles = [];
                if (options.defaults) {
                    if (options.bytes === $String)
                        object.ticket = "";
                    else {
                        object.ticket = [];
                        if (options.bytes !== $Array)
                            object.ticket = $util.newBuffer(object.ticket);
                    }
                    object.vm = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.timeNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.timeNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.clones = 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.durationMs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.durationMs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if (options.bytes === $String)
                        object.probes = "";
                    else {
                        object.probes = [];
                        if (options.bytes !== $Array)
                            object.probes = $util.newBuffer(object.probes);
                    }
                }
                if (message.ticket != null && $Object.hasOwnProperty.call(message, "ticket"))
                    object.ticket = options.bytes === $String ? $util.base64.encode(message.ticket, 0, message.ticket.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.ticket) : message.ticket;
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm"))
                    object.vm = message.vm;
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.timeNs = typeof message.timeNs === "number" ? $BigInt(message.timeNs) : $util.Long.fromBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0, true).toBigInt();
                    else if (typeof message.timeNs === "number")
                        object.timeNs = options.longs === $String ? $String(message.timeNs) : message.timeNs;
                    else
                        object.timeNs = options.longs === $String ? $util.Long.prototype.toString.call(message.timeNs) : options.longs === $Number ? new $util.LongBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0).toNumber(true) : message.timeNs;
                if (message.clones != null && $Object.hasOwnProperty.call(message, "clones"))
                    object.clones = message.clones;
                if (message.durationMs != null && $Object.hasOwnProperty.call(message, "durationMs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.durationMs = typeof message.durationMs === "number" ? $BigInt(message.durationMs) : $util.Long.fromBits(message.durationMs.low >>> 0, message.durationMs.high >>> 0, true).toBigInt();
                    else if (typeof message.durationMs === "number")
                        object.durationMs = options.longs === $String ? $String(message.durationMs) : message.durationMs;
                    else
                        object.durationMs = options.longs === $String ? $util.Long.prototype.toString.call(message.durationMs) : options.longs === $Number ? new $util.LongBits(message.durationMs.low >>> 0, message.durationMs.high >>> 0).toNumber(true) : message.durationMs;
                if (message.profiles && message.profiles.length) {
                    object.profiles = $Array(message.profiles.length);
                    for (let j = 0; j < message.profiles.length; ++j)
                        object.profiles[j] = options.bytes === $String ? $util.base64.encode(message.profiles[j], 0, message.profiles[j].length) : options.bytes === $Array ? $Array.prototype.slice.call(message.profiles[j]) : message.profiles[j];
                }
                if (message.probes != null && $Object.hasOwnProperty.call(message, "probes"))
                    object.probes = options.bytes === $String ? $util.base64.encode(message.probes, 0, message.probes.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.probes) : message.probes;
                return object;
            };

            /**
             * Converts this RunTrial to JSON.
             * @function toJSON
             * @memberof umbra.v1.RunTrial
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            RunTrial.prototype.toJSON = function() {
                return RunTrial.toObject(this, $protobuf.util.toJSONOptions);
            };

            return RunTrial;
        })();

        v1.SetPolicy = (function() {

            /**
             * Properties of a SetPolicy.
             * @typedef {Object} umbra.v1.SetPolicy.$Properties
             * @property {string|null} [vm] SetPolicy vm
             * @property {string|null} [schedule] SetPolicy schedule
             * @property {boolean|null} [paused] SetPolicy paused
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a SetPolicy.
             * @memberof umbra.v1
             * @interface ISetPolicy
             * @augments umbra.v1.SetPolicy.$Properties
             * @deprecated Use umbra.v1.SetPolicy.$Properties instead.
             */

            /**
             * Shape of a SetPolicy.
             * @typedef {umbra.v1.SetPolicy.$Properties} umbra.v1.SetPolicy.$Shape
             */

            /**
             * Constructs a new SetPolicy.
             * @memberof umbra.v1
             * @classdesc Represents a SetPolicy.
             * @constructor
             * @param {umbra.v1.SetPolicy.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const SetPolicy = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * SetPolicy vm.
             * @member {string} vm
             * @memberof umbra.v1.SetPolicy
             * @instance
             */
            SetPolicy.prototype.vm = "";

            /**
             * SetPolicy schedule.
             * @member {string} schedule
             * @memberof umbra.v1.SetPolicy
             * @instance
             */
            SetPolicy.prototype.schedule = "";

            /**
             * SetPolicy paused.
             * @member {boolean|null|undefined} paused
             * @memberof umbra.v1.SetPolicy
             * @instance
             */
            SetPolicy.prototype.paused = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            // Virtual OneOf for proto3 optional field
            $Object.defineProperty(SetPolicy.prototype, "_paused", {
                get: $util.oneOfGetter($oneOfFields = ["paused"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new SetPolicy instance using the specified properties.
             * @function create
             * @memberof umbra.v1.SetPolicy
             * @static
             * @param {umbra.v1.SetPolicy.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.SetPolicy} SetPolicy instance
             * @type {{
             *   (properties: umbra.v1.SetPolicy.$Shape): umbra.v1.SetPolicy & umbra.v1.SetPolicy.$Shape;
             *   (properties?: umbra.v1.SetPolicy.$Properties): umbra.v1.SetPolicy;
             * }}
             */
            SetPolicy.create = function(properties) {
                return new SetPolicy(properties);
            };

            /**
             * Encodes the specified SetPolicy message. Does not implicitly {@link umbra.v1.SetPolicy.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.SetPolicy
             * @static
             * @param {umbra.v1.SetPolicy.$Properties} message SetPolicy message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            SetPolicy.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm") && message.vm !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.vm);
                if (message.schedule != null && $Object.hasOwnProperty.call(message, "schedule") && message.schedule !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.schedule);
                if (message.paused != null && $Object.hasOwnProperty.call(message, "paused"))
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.paused);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a SetPolicy message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.SetPolicy
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.SetPolicy & umbra.v1.SetPolicy.$Shape} SetPolicy
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            SetPolicy.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.SetPolicy();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vm = value;
                            else
                                delete message.vm;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.schedule = value;
                            else
                                delete message.schedule;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            message.paused = reader.bool();
                            message._paused = "paused";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a SetPolicy message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.SetPolicy
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.SetPolicy} SetPolicy
             */
            SetPolicy.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.SetPolicy)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.SetPolicy: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.SetPolicy();
                if (object.vm != null)
                    if (typeof object.vm !== "string" || object.vm.length)
                        message.vm = $String(object.vm);
                if (object.schedule != null)
                    if (typeof object.schedule !== "string" || object.schedule.length)
                        message.schedule = $String(object.schedule);
                if (object.paused != null)
                    message.paused = $Boolean(object.paused);
                return message;
            };

            /**
             * Creates a plain object from a SetPolicy message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.SetPolicy
             * @static
             * @param {umbra.v1.SetPolicy} message SetPolicy
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            SetPolicy.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.vm = "";
                    object.schedule = "";
                }
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm"))
                    object.vm = message.vm;
                if (message.schedule != null && $Object.hasOwnProperty.call(message, "schedule"))
                    object.schedule = message.schedule;
                if (message.paused != null && $Object.hasOwnProperty.call(message, "paused"))
                    object.paused = message.paused;
                return object;
            };

            /**
             * Converts this SetPolicy to JSON.
             * @function toJSON
             * @memberof umbra.v1.SetPolicy
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            SetPolicy.prototype.toJSON = function() {
                return SetPolicy.toObject(this, $protobuf.util.toJSONOptions);
            };

            return SetPolicy;
        })();

        v1.OrderResult = (function() {

            /**
             * Properties of an OrderResult.
             * @typedef {Object} umbra.v1.OrderResult.$Properties
             * @property {string|null} [orderId] OrderResult orderId
             * @property {boolean|null} [ok] OrderResult ok
             * @property {string|null} [errorCode] OrderResult errorCode
             * @property {string|null} [message] OrderResult message
             * @property {string|null} [changesetId] OrderResult changesetId
             * @property {Uint8Array|null} [found] OrderResult found
             * @property {umbra.v1.TrialResult.$Properties|null} [trial] OrderResult trial
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an OrderResult.
             * @memberof umbra.v1
             * @interface IOrderResult
             * @augments umbra.v1.OrderResult.$Properties
             * @deprecated Use umbra.v1.OrderResult.$Properties instead.
             */

            /**
             * Shape of an OrderResult.
             * @typedef {umbra.v1.OrderResult.$Properties} umbra.v1.OrderResult.$Shape
             */

            /**
             * Constructs a new OrderResult.
             * @memberof umbra.v1
             * @classdesc Represents an OrderResult.
             * @constructor
             * @param {umbra.v1.OrderResult.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const OrderResult = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * OrderResult orderId.
             * @member {string} orderId
             * @memberof umbra.v1.OrderResult
             * @instance
             */
            OrderResult.prototype.orderId = "";

            /**
             * OrderResult ok.
             * @member {boolean} ok
             * @memberof umbra.v1.OrderResult
             * @instance
             */
            OrderResult.prototype.ok = false;

            /**
             * OrderResult errorCode.
             * @member {string} errorCode
             * @memberof umbra.v1.OrderResult
             * @instance
             */
            OrderResult.prototype.errorCode = "";

            /**
             * OrderResult message.
             * @member {string} message
             * @memberof umbra.v1.OrderResult
             * @instance
             */
            OrderResult.prototype.message = "";

            /**
             * OrderResult changesetId.
             * @member {string} changesetId
             * @memberof umbra.v1.OrderResult
             * @instance
             */
            OrderResult.prototype.changesetId = "";

            /**
             * OrderResult found.
             * @member {Uint8Array} found
             * @memberof umbra.v1.OrderResult
             * @instance
             */
            OrderResult.prototype.found = $util.newBuffer([]);

            /**
             * OrderResult trial.
             * @member {umbra.v1.TrialResult.$Properties|null|undefined} trial
             * @memberof umbra.v1.OrderResult
             * @instance
             */
            OrderResult.prototype.trial = null;

            /**
             * Creates a new OrderResult instance using the specified properties.
             * @function create
             * @memberof umbra.v1.OrderResult
             * @static
             * @param {umbra.v1.OrderResult.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.OrderResult} OrderResult instance
             * @type {{
             *   (properties: umbra.v1.OrderResult.$Shape): umbra.v1.OrderResult & umbra.v1.OrderResult.$Shape;
             *   (properties?: umbra.v1.OrderResult.$Properties): umbra.v1.OrderResult;
             * }}
             */
            OrderResult.create = function(properties) {
                return new OrderResult(properties);
            };

            /**
             * Encodes the specified OrderResult message. Does not implicitly {@link umbra.v1.OrderResult.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.OrderResult
             * @static
             * @param {umbra.v1.OrderResult.$Properties} message OrderResult message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            OrderResult.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.orderId != null && $Object.hasOwnProperty.call(message, "orderId") && message.orderId !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.orderId);
                if (message.ok != null && $Object.hasOwnProperty.call(message, "ok") && message.ok !== false)
                    writer.uint32(/* id 2, wireType 0 =*/16).bool(message.ok);
                if (message.errorCode != null && $Object.hasOwnProperty.call(message, "errorCode") && message.errorCode !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.errorCode);
                if (message.message != null && $Object.hasOwnProperty.call(message, "message") && message.message !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.message);
                if (message.changesetId != null && $Object.hasOwnProperty.call(message, "changesetId") && message.changesetId !== "")
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.changesetId);
                if (message.found != null && $Object.hasOwnProperty.call(message, "found") && message.found.length)
                    writer.uint32(/* id 6, wireType 2 =*/50).bytes(message.found);
                if (message.trial != null && $Object.hasOwnProperty.call(message, "trial"))
                    $root.umbra.v1.TrialResult.encode(message.trial, writer.uint32(/* id 7, wireType 2 =*/58).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an OrderResult message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.OrderResult
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.OrderResult & umbra.v1.OrderResult.$Shape} OrderResult
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            OrderResult.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.OrderResult();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.orderId = value;
                            else
                                delete message.orderId;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.ok = value;
                            else
                                delete message.ok;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.errorCode = value;
                            else
                                delete message.errorCode;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.message = value;
                            else
                                delete message.message;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.changesetId = value;
                            else
                                delete message.changesetId;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.found = value;
                            else
                                delete message.found;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            message.trial = $root.umbra.v1.TrialResult.decode(reader, reader.size(), $undefined, _depth + 1, message.trial);
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates an OrderResult message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.OrderResult
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.OrderResult} OrderResult
             */
            OrderResult.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.OrderResult)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.OrderResult: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.OrderResult();
                if (object.orderId != null)
                    if (typeof object.orderId !== "string" || object.orderId.length)
                        message.orderId = $String(object.orderId);
                if (object.ok != null)
                    if (object.ok)
                        message.ok = $Boolean(object.ok);
                if (object.errorCode != null)
                    if (typeof object.errorCode !== "string" || object.errorCode.length)
                        message.errorCode = $String(object.errorCode);
                if (object.message != null)
                    if (typeof object.message !== "string" || object.message.length)
                        message.message = $String(object.message);
                if (object.changesetId != null)
                    if (typeof object.changesetId !== "string" || object.changesetId.length)
                        message.changesetId = $String(object.changesetId);
                if (object.found != null)
                    if (object.found.length)
                        if (typeof object.found === "string")
                            $util.base64.decode(object.found, message.found = $util.newBuffer($util.base64.length(object.found)), 0);
                        else if (object.found.length >= 0)
                            message.found = object.found;
                if (object.trial != null) {
                    if (!$util.isObject(object.trial))
                        throw $TypeError(".umbra.v1.OrderResult.trial: object expected");
                    message.trial = $root.umbra.v1.TrialResult.fromObject(object.trial, _depth + 1);
                }
                return message;
            };

            /**
             * Creates a plain object from an OrderResult message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.OrderResult
             * @static
             * @param {umbra.v1.OrderResult} message OrderResult
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            OrderResult.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.orderId = "";
                    object.ok = false;
                    object.errorCode = "";
                    object.message = "";
                    object.changesetId = "";
                    if (options.bytes === $String)
                        object.found = "";
                    else {
                        object.found = [];
                        if (options.bytes !== $Array)
                            object.found = $util.newBuffer(object.found);
                    }
                    object.trial = null;
                }
                if (message.orderId != null && $Object.hasOwnProperty.call(message, "orderId"))
                    object.orderId = message.orderId;
                if (message.ok != null && $Object.hasOwnProperty.call(message, "ok"))
                    object.ok = message.ok;
                if (message.errorCode != null && $Object.hasOwnProperty.call(message, "errorCode"))
                    object.errorCode = message.errorCode;
                if (message.message != null && $Object.hasOwnProperty.call(message, "message"))
                    object.message = message.message;
                if (message.changesetId != null && $Object.hasOwnProperty.call(message, "changesetId"))
                    object.changesetId = message.changesetId;
                if (message.found != null && $Object.hasOwnProperty.call(message, "found"))
                    object.found = options.bytes === $String ? $util.base64.encode(message.found, 0, message.found.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.found) : message.found;
                if (message.trial != null && $Object.hasOwnProperty.call(message, "trial"))
                    object.trial = $root.umbra.v1.TrialResult.toObject(message.trial, options, _depth + 1);
                return object;
            };

            /**
             * Converts this OrderResult to JSON.
             * @function toJSON
             * @memberof umbra.v1.OrderResult
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            OrderResult.prototype.toJSON = function() {
                return OrderResult.toObject(this, $protobuf.util.toJSONOptions);
            };

            return OrderResult;
        })();

        v1.TrialReport = (function() {

            /**
             * Properties of a TrialReport.
             * @typedef {Object} umbra.v1.TrialReport.$Properties
             * @property {Uint8Array|null} [ticket] TrialReport ticket
             * @property {Uint8Array|null} [report] TrialReport report
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TrialReport.
             * @memberof umbra.v1
             * @interface ITrialReport
             * @augments umbra.v1.TrialReport.$Properties
             * @deprecated Use umbra.v1.TrialReport.$Properties instead.
             */

            /**
             * Shape of a TrialReport.
             * @typedef {umbra.v1.TrialReport.$Properties} umbra.v1.TrialReport.$Shape
             */

            /**
             * Constructs a new TrialReport.
             * @memberof umbra.v1
             * @classdesc Represents a TrialReport.
             * @constructor
             * @param {umbra.v1.TrialReport.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TrialReport = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * TrialReport ticket.
             * @member {Uint8Array} ticket
             * @memberof umbra.v1.TrialReport
             * @instance
             */
            TrialReport.prototype.ticket = $util.newBuffer([]);

            /**
             * TrialReport report.
             * @member {Uint8Array} report
             * @memberof umbra.v1.TrialReport
             * @instance
             */
            TrialReport.prototype.report = $util.newBuffer([]);

            /**
             * Creates a new TrialReport instance using the specified properties.
             * @function create
             * @memberof umbra.v1.TrialReport
             * @static
             * @param {umbra.v1.TrialReport.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.TrialReport} TrialReport instance
             * @type {{
             *   (properties: umbra.v1.TrialReport.$Shape): umbra.v1.TrialReport & umbra.v1.TrialReport.$Shape;
             *   (properties?: umbra.v1.TrialReport.$Properties): umbra.v1.TrialReport;
             * }}
             */
            TrialReport.create = function(properties) {
                return new TrialReport(properties);
            };

            /**
             * Encodes the specified TrialReport message. Does not implicitly {@link umbra.v1.TrialReport.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.TrialReport
             * @static
             * @param {umbra.v1.TrialReport.$Properties} message TrialReport message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TrialReport.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.ticket != null && $Object.hasOwnProperty.call(message, "ticket") && message.ticket.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.ticket);
                if (message.report != null && $Object.hasOwnProperty.call(message, "report") && message.report.length)
                    writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.report);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TrialReport message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.TrialReport
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.TrialReport & umbra.v1.TrialReport.$Shape} TrialReport
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TrialReport.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.TrialReport();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.ticket = value;
                            else
                                delete message.ticket;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.report = value;
                            else
                                delete message.report;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a TrialReport message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.TrialReport
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.TrialReport} TrialReport
             */
            TrialReport.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.TrialReport)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.TrialReport: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.TrialReport();
                if (object.ticket != null)
                    if (object.ticket.length)
                        if (typeof object.ticket === "string")
                            $util.base64.decode(object.ticket, message.ticket = $util.newBuffer($util.base64.length(object.ticket)), 0);
                        else if (object.ticket.length >= 0)
                            message.ticket = object.ticket;
                if (object.report != null)
                    if (object.report.length)
                        if (typeof object.report === "string")
                            $util.base64.decode(object.report, message.report = $util.newBuffer($util.base64.length(object.report)), 0);
                        else if (object.report.length >= 0)
                            message.report = object.report;
                return message;
            };

            /**
             * Creates a plain object from a TrialReport message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.TrialReport
             * @static
             * @param {umbra.v1.TrialReport} message TrialReport
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            TrialReport.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    if (options.bytes === $String)
                        object.ticket = "";
                    else {
                        object.ticket = [];
                        if (options.bytes !== $Array)
                            object.ticket = $util.newBuffer(object.ticket);
                    }
                    if (options.bytes === $String)
                        object.report = "";
                    else {
                        object.report = [];
                        if (options.bytes !== $Array)
                            object.report = $util.newBuffer(object.report);
                    }
                }
                if (message.ticket != null && $Object.hasOwnProperty.call(message, "ticket"))
                    object.ticket = options.bytes === $String ? $util.base64.encode(message.ticket, 0, message.ticket.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.ticket) : message.ticket;
                if (message.report != null && $Object.hasOwnProperty.call(message, "report"))
                    object.report = options.bytes === $String ? $util.base64.encode(message.report, 0, message.report.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.report) : message.report;
                return object;
            };

            /**
             * Converts this TrialReport to JSON.
             * @function toJSON
             * @memberof umbra.v1.TrialReport
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            TrialReport.prototype.toJSON = function() {
                return TrialReport.toObject(this, $protobuf.util.toJSONOptions);
            };

            return TrialReport;
        })();

        v1.TrialReceipt = (function() {

            /**
             * Properties of a TrialReceipt.
             * @typedef {Object} umbra.v1.TrialReceipt.$Properties
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TrialReceipt.
             * @memberof umbra.v1
             * @interface ITrialReceipt
             * @augments umbra.v1.TrialReceipt.$Properties
             * @deprecated Use umbra.v1.TrialReceipt.$Properties instead.
             */

            /**
             * Shape of a TrialReceipt.
             * @typedef {umbra.v1.TrialReceipt.$Properties} umbra.v1.TrialReceipt.$Shape
             */

            /**
             * Constructs a new TrialReceipt.
             * @memberof umbra.v1
             * @classdesc Represents a TrialReceipt.
             * @constructor
             * @param {umbra.v1.TrialReceipt.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TrialReceipt = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Creates a new TrialReceipt instance using the specified properties.
             * @function create
             * @memberof umbra.v1.TrialReceipt
             * @static
             * @param {umbra.v1.TrialReceipt.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.TrialReceipt} TrialReceipt instance
             * @type {{
             *   (properties: umbra.v1.TrialReceipt.$Shape): umbra.v1.TrialReceipt & umbra.v1.TrialReceipt.$Shape;
             *   (properties?: umbra.v1.TrialReceipt.$Properties): umbra.v1.TrialReceipt;
             * }}
             */
            TrialReceipt.create = function(properties) {
                return new TrialReceipt(properties);
            };

            /**
             * Encodes the specified TrialReceipt message. Does not implicitly {@link umbra.v1.TrialReceipt.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.TrialReceipt
             * @static
             * @param {umbra.v1.TrialReceipt.$Properties} message TrialReceipt message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TrialReceipt.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TrialReceipt message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.TrialReceipt
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.TrialReceipt & umbra.v1.TrialReceipt.$Shape} TrialReceipt
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TrialReceipt.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.TrialReceipt();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    reader.skipType(tag & 7, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a TrialReceipt message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.TrialReceipt
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.TrialReceipt} TrialReceipt
             */
            TrialReceipt.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.TrialReceipt)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.TrialReceipt: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                return new $root.umbra.v1.TrialReceipt();
            };

            /**
             * Creates a plain object from a TrialReceipt message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.TrialReceipt
             * @static
             * @param {umbra.v1.TrialReceipt} message TrialReceipt
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            TrialReceipt.toObject = function () {
                return {};
            };

            /**
             * Converts this TrialReceipt to JSON.
             * @function toJSON
             * @memberof umbra.v1.TrialReceipt
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            TrialReceipt.prototype.toJSON = function() {
                return TrialReceipt.toObject(this, $protobuf.util.toJSONOptions);
            };

            return TrialReceipt;
        })();

        v1.TrialResult = (function() {

            /**
             * Properties of a TrialResult.
             * @typedef {Object} umbra.v1.TrialResult.$Properties
             * @property {number|null} [templateMs] TrialResult templateMs
             * @property {Long|null} [ramBytes] TrialResult ramBytes
             * @property {Long|null} [diskBytes] TrialResult diskBytes
             * @property {Array.<string>|null} [notes] TrialResult notes
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a TrialResult.
             * @memberof umbra.v1
             * @interface ITrialResult
             * @augments umbra.v1.TrialResult.$Properties
             * @deprecated Use umbra.v1.TrialResult.$Properties instead.
             */

            /**
             * Shape of a TrialResult.
             * @typedef {umbra.v1.TrialResult.$Properties} umbra.v1.TrialResult.$Shape
             */

            /**
             * Constructs a new TrialResult.
             * @memberof umbra.v1
             * @classdesc Represents a TrialResult.
             * @constructor
             * @param {umbra.v1.TrialResult.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const TrialResult = function (properties) {
                this.notes = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * TrialResult templateMs.
             * @member {number} templateMs
             * @memberof umbra.v1.TrialResult
             * @instance
             */
            TrialResult.prototype.templateMs = 0;

            /**
             * TrialResult ramBytes.
             * @member {Long} ramBytes
             * @memberof umbra.v1.TrialResult
             * @instance
             */
            TrialResult.prototype.ramBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * TrialResult diskBytes.
             * @member {Long} diskBytes
             * @memberof umbra.v1.TrialResult
             * @instance
             */
            TrialResult.prototype.diskBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * TrialResult notes.
             * @member {Array.<string>} notes
             * @memberof umbra.v1.TrialResult
             * @instance
             */
            TrialResult.prototype.notes = $util.emptyArray;

            /**
             * Creates a new TrialResult instance using the specified properties.
             * @function create
             * @memberof umbra.v1.TrialResult
             * @static
             * @param {umbra.v1.TrialResult.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.TrialResult} TrialResult instance
             * @type {{
             *   (properties: umbra.v1.TrialResult.$Shape): umbra.v1.TrialResult & umbra.v1.TrialResult.$Shape;
             *   (properties?: umbra.v1.TrialResult.$Properties): umbra.v1.TrialResult;
             * }}
             */
            TrialResult.create = function(properties) {
                return new TrialResult(properties);
            };

            /**
             * Encodes the specified TrialResult message. Does not implicitly {@link umbra.v1.TrialResult.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.TrialResult
             * @static
             * @param {umbra.v1.TrialResult.$Properties} message TrialResult message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            TrialResult.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.templateMs != null && $Object.hasOwnProperty.call(message, "templateMs") && !$Object.is(message.templateMs, 0))
                    writer.uint32(/* id 1, wireType 1 =*/9).double(message.templateMs);
                if (message.ramBytes != null && $Object.hasOwnProperty.call(message, "ramBytes") && (typeof message.ramBytes === "object" ? message.ramBytes.low || message.ramBytes.high : message.ramBytes !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.ramBytes);
                if (message.diskBytes != null && $Object.hasOwnProperty.call(message, "diskBytes") && (typeof message.diskBytes === "object" ? message.diskBytes.low || message.diskBytes.high : message.diskBytes !== 0))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.diskBytes);
                if (message.notes != null && message.notes.length)
                    for (let i = 0; i < message.notes.length; ++i)
                        writer.uint32(/* id 5, wireType 2 =*/42).string(message.notes[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a TrialResult message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.TrialResult
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.TrialResult & umbra.v1.TrialResult.$Shape} TrialResult
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            TrialResult.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.TrialResult();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.templateMs = value;
                            else
                                delete message.templateMs;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.ramBytes = value;
                            else
                                delete message.ramBytes;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.diskBytes = value;
                            else
                                delete message.diskBytes;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if (!(message.notes && message.notes.length))
                                message.notes = [];
                            message.notes.push(reader.stringVerify());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a TrialResult message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.TrialResult
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.TrialResult} TrialResult
             */
            TrialResult.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.TrialResult)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.TrialResult: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.TrialResult();
                if (object.templateMs != null)
                    if (!$Object.is($Number(object.templateMs), 0))
                        message.templateMs = $Number(object.templateMs);
                if (object.ramBytes != null)
                    if (typeof object.ramBytes === "object" ? object.ramBytes.low || object.ramBytes.high : $Number(object.ramBytes) !== 0)
                        if ($util.Long)
                            message.ramBytes = $util.Long.fromValue(object.ramBytes, true);
                        else if (typeof object.ramBytes === "string")
                            message.ramBytes = $parseInt(object.ramBytes, 10);
                        else if (typeof object.ramBytes === "number")
                            message.ramBytes = object.ramBytes;
                        else if (typeof object.ramBytes === "object")
                            message.ramBytes = new $util.LongBits(object.ramBytes.low >>> 0, object.ramBytes.high >>> 0).toNumber(true);
                if (object.diskBytes != null)
                    if (typeof object.diskBytes === "object" ? object.diskBytes.low || object.diskBytes.high : $Number(object.diskBytes) !== 0)
                        if ($util.Long)
                            message.diskBytes = $util.Long.fromValue(object.diskBytes, true);
                        else if (typeof object.diskBytes === "string")
                            message.diskBytes = $parseInt(object.diskBytes, 10);
                        else if (typeof object.diskBytes === "number")
                            message.diskBytes = object.diskBytes;
                        else if (typeof object.diskBytes === "object")
                            message.diskBytes = new $util.LongBits(object.diskBytes.low >>> 0, object.diskBytes.high >>> 0).toNumber(true);
                if (object.notes) {
                    if (!$Array.isArray(object.notes))
                        throw $TypeError(".umbra.v1.TrialResult.notes: array expected");
                    message.notes = $Array(object.notes.length);
                    for (let i = 0; i < object.notes.length; ++i)
                        message.notes[i] = $String(object.notes[i]);
                }
                return message;
            };

            /**
             * Creates a plain object from a TrialResult message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.TrialResult
             * @static
             * @param {umbra.v1.TrialResult} message TrialResult
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            TrialResult.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.notes = [];
                if (options.defaults) {
                    object.templateMs = 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.ramBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.ramBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.diskBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.diskBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.templateMs != null && $Object.hasOwnProperty.call(message, "templateMs"))
                    object.templateMs = options.json && !$isFinite(message.templateMs) ? $String(message.templateMs) : message.templateMs;
                if (message.ramBytes != null && $Object.hasOwnProperty.call(message, "ramBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.ramBytes = typeof message.ramBytes === "number" ? $BigInt(message.ramBytes) : $util.Long.fromBits(message.ramBytes.low >>> 0, message.ramBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.ramBytes === "number")
                        object.ramBytes = options.longs === $String ? $String(message.ramBytes) : message.ramBytes;
                    else
                        object.ramBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.ramBytes) : options.longs === $Number ? new $util.LongBits(message.ramBytes.low >>> 0, message.ramBytes.high >>> 0).toNumber(true) : message.ramBytes;
                if (message.diskBytes != null && $Object.hasOwnProperty.call(message, "diskBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.diskBytes = typeof message.diskBytes === "number" ? $BigInt(message.diskBytes) : $util.Long.fromBits(message.diskBytes.low >>> 0, message.diskBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.diskBytes === "number")
                        object.diskBytes = options.longs === $String ? $String(message.diskBytes) : message.diskBytes;
                    else
                        object.diskBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.diskBytes) : options.longs === $Number ? new $util.LongBits(message.diskBytes.low >>> 0, message.diskBytes.high >>> 0).toNumber(true) : message.diskBytes;
                if (message.notes && message.notes.length) {
                    object.notes = $Array(message.notes.length);
                    for (let j = 0; j < message.notes.length; ++j)
                        object.notes[j] = message.notes[j];
                }
                return object;
            };

            /**
             * Converts this TrialResult to JSON.
             * @function toJSON
             * @memberof umbra.v1.TrialResult
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            TrialResult.prototype.toJSON = function() {
                return TrialResult.toObject(this, $protobuf.util.toJSONOptions);
            };

            return TrialResult;
        })();

        v1.ChunkOffer = (function() {

            /**
             * Properties of a ChunkOffer.
             * @typedef {Object} umbra.v1.ChunkOffer.$Properties
             * @property {Uint8Array|null} [names] ChunkOffer names
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChunkOffer.
             * @memberof umbra.v1
             * @interface IChunkOffer
             * @augments umbra.v1.ChunkOffer.$Properties
             * @deprecated Use umbra.v1.ChunkOffer.$Properties instead.
             */

            /**
             * Shape of a ChunkOffer.
             * @typedef {umbra.v1.ChunkOffer.$Properties} umbra.v1.ChunkOffer.$Shape
             */

            /**
             * Constructs a new ChunkOffer.
             * @memberof umbra.v1
             * @classdesc Represents a ChunkOffer.
             * @constructor
             * @param {umbra.v1.ChunkOffer.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChunkOffer = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChunkOffer names.
             * @member {Uint8Array} names
             * @memberof umbra.v1.ChunkOffer
             * @instance
             */
            ChunkOffer.prototype.names = $util.newBuffer([]);

            /**
             * Creates a new ChunkOffer instance using the specified properties.
             * @function create
             * @memberof umbra.v1.ChunkOffer
             * @static
             * @param {umbra.v1.ChunkOffer.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.ChunkOffer} ChunkOffer instance
             * @type {{
             *   (properties: umbra.v1.ChunkOffer.$Shape): umbra.v1.ChunkOffer & umbra.v1.ChunkOffer.$Shape;
             *   (properties?: umbra.v1.ChunkOffer.$Properties): umbra.v1.ChunkOffer;
             * }}
             */
            ChunkOffer.create = function(properties) {
                return new ChunkOffer(properties);
            };

            /**
             * Encodes the specified ChunkOffer message. Does not implicitly {@link umbra.v1.ChunkOffer.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.ChunkOffer
             * @static
             * @param {umbra.v1.ChunkOffer.$Properties} message ChunkOffer message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChunkOffer.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.names != null && $Object.hasOwnProperty.call(message, "names") && message.names.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.names);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChunkOffer message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.ChunkOffer
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.ChunkOffer & umbra.v1.ChunkOffer.$Shape} ChunkOffer
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChunkOffer.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.ChunkOffer();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.names = value;
                            else
                                delete message.names;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a ChunkOffer message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.ChunkOffer
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.ChunkOffer} ChunkOffer
             */
            ChunkOffer.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.ChunkOffer)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.ChunkOffer: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.ChunkOffer();
                if (object.names != null)
                    if (object.names.length)
                        if (typeof object.names === "string")
                            $util.base64.decode(object.names, message.names = $util.newBuffer($util.base64.length(object.names)), 0);
                        else if (object.names.length >= 0)
                            message.names = object.names;
                return message;
            };

            /**
             * Creates a plain object from a ChunkOffer message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.ChunkOffer
             * @static
             * @param {umbra.v1.ChunkOffer} message ChunkOffer
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ChunkOffer.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults)
                    if (options.bytes === $String)
                        object.names = "";
                    else {
                        object.names = [];
                        if (options.bytes !== $Array)
                            object.names = $util.newBuffer(object.names);
                    }
                if (message.names != null && $Object.hasOwnProperty.call(message, "names"))
                    object.names = options.bytes === $String ? $util.base64.encode(message.names, 0, message.names.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.names) : message.names;
                return object;
            };

            /**
             * Converts this ChunkOffer to JSON.
             * @function toJSON
             * @memberof umbra.v1.ChunkOffer
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ChunkOffer.prototype.toJSON = function() {
                return ChunkOffer.toObject(this, $protobuf.util.toJSONOptions);
            };

            return ChunkOffer;
        })();

        v1.ChunkNeed = (function() {

            /**
             * Properties of a ChunkNeed.
             * @typedef {Object} umbra.v1.ChunkNeed.$Properties
             * @property {Uint8Array|null} [missing] ChunkNeed missing
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChunkNeed.
             * @memberof umbra.v1
             * @interface IChunkNeed
             * @augments umbra.v1.ChunkNeed.$Properties
             * @deprecated Use umbra.v1.ChunkNeed.$Properties instead.
             */

            /**
             * Shape of a ChunkNeed.
             * @typedef {umbra.v1.ChunkNeed.$Properties} umbra.v1.ChunkNeed.$Shape
             */

            /**
             * Constructs a new ChunkNeed.
             * @memberof umbra.v1
             * @classdesc Represents a ChunkNeed.
             * @constructor
             * @param {umbra.v1.ChunkNeed.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChunkNeed = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChunkNeed missing.
             * @member {Uint8Array} missing
             * @memberof umbra.v1.ChunkNeed
             * @instance
             */
            ChunkNeed.prototype.missing = $util.newBuffer([]);

            /**
             * Creates a new ChunkNeed instance using the specified properties.
             * @function create
             * @memberof umbra.v1.ChunkNeed
             * @static
             * @param {umbra.v1.ChunkNeed.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.ChunkNeed} ChunkNeed instance
             * @type {{
             *   (properties: umbra.v1.ChunkNeed.$Shape): umbra.v1.ChunkNeed & umbra.v1.ChunkNeed.$Shape;
             *   (properties?: umbra.v1.ChunkNeed.$Properties): umbra.v1.ChunkNeed;
             * }}
             */
            ChunkNeed.create = function(properties) {
                return new ChunkNeed(properties);
            };

            /**
             * Encodes the specified ChunkNeed message. Does not implicitly {@link umbra.v1.ChunkNeed.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.ChunkNeed
             * @static
             * @param {umbra.v1.ChunkNeed.$Properties} message ChunkNeed message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChunkNeed.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.missing != null && $Object.hasOwnProperty.call(message, "missing") && message.missing.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.missing);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChunkNeed message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.ChunkNeed
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.ChunkNeed & umbra.v1.ChunkNeed.$Shape} ChunkNeed
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChunkNeed.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.ChunkNeed();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.missing = value;
                            else
                                delete message.missing;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a ChunkNeed message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.ChunkNeed
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.ChunkNeed} ChunkNeed
             */
            ChunkNeed.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.ChunkNeed)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.ChunkNeed: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.ChunkNeed();
                if (object.missing != null)
                    if (object.missing.length)
                        if (typeof object.missing === "string")
                            $util.base64.decode(object.missing, message.missing = $util.newBuffer($util.base64.length(object.missing)), 0);
                        else if (object.missing.length >= 0)
                            message.missing = object.missing;
                return message;
            };

            /**
             * Creates a plain object from a ChunkNeed message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.ChunkNeed
             * @static
             * @param {umbra.v1.ChunkNeed} message ChunkNeed
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ChunkNeed.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults)
                    if (options.bytes === $String)
                        object.missing = "";
                    else {
                        object.missing = [];
                        if (options.bytes !== $Array)
                            object.missing = $util.newBuffer(object.missing);
                    }
                if (message.missing != null && $Object.hasOwnProperty.call(message, "missing"))
                    object.missing = options.bytes === $String ? $util.base64.encode(message.missing, 0, message.missing.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.missing) : message.missing;
                return object;
            };

            /**
             * Converts this ChunkNeed to JSON.
             * @function toJSON
             * @memberof umbra.v1.ChunkNeed
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ChunkNeed.prototype.toJSON = function() {
                return ChunkNeed.toObject(this, $protobuf.util.toJSONOptions);
            };

            return ChunkNeed;
        })();

        /**
         * ChunkEncoding enum.
         * @name umbra.v1.ChunkEncoding
         * @enum {number}
         * @property {number} CHUNK_ENCODING_RAW=0 CHUNK_ENCODING_RAW value
         * @property {number} CHUNK_ENCODING_ZSTD=1 CHUNK_ENCODING_ZSTD value
         */
        v1.ChunkEncoding = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "CHUNK_ENCODING_RAW"] = 0;
            values[valuesById[1] = "CHUNK_ENCODING_ZSTD"] = 1;
            return values;
        })();

        v1.Chunk = (function() {

            /**
             * Properties of a Chunk.
             * @typedef {Object} umbra.v1.Chunk.$Properties
             * @property {Uint8Array|null} [name] Chunk name
             * @property {umbra.v1.ChunkEncoding|null} [encoding] Chunk encoding
             * @property {Uint8Array|null} [data] Chunk data
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Chunk.
             * @memberof umbra.v1
             * @interface IChunk
             * @augments umbra.v1.Chunk.$Properties
             * @deprecated Use umbra.v1.Chunk.$Properties instead.
             */

            /**
             * Shape of a Chunk.
             * @typedef {umbra.v1.Chunk.$Properties} umbra.v1.Chunk.$Shape
             */

            /**
             * Constructs a new Chunk.
             * @memberof umbra.v1
             * @classdesc Represents a Chunk.
             * @constructor
             * @param {umbra.v1.Chunk.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Chunk = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Chunk name.
             * @member {Uint8Array} name
             * @memberof umbra.v1.Chunk
             * @instance
             */
            Chunk.prototype.name = $util.newBuffer([]);

            /**
             * Chunk encoding.
             * @member {umbra.v1.ChunkEncoding} encoding
             * @memberof umbra.v1.Chunk
             * @instance
             */
            Chunk.prototype.encoding = 0;

            /**
             * Chunk data.
             * @member {Uint8Array} data
             * @memberof umbra.v1.Chunk
             * @instance
             */
            Chunk.prototype.data = $util.newBuffer([]);

            /**
             * Creates a new Chunk instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Chunk
             * @static
             * @param {umbra.v1.Chunk.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Chunk} Chunk instance
             * @type {{
             *   (properties: umbra.v1.Chunk.$Shape): umbra.v1.Chunk & umbra.v1.Chunk.$Shape;
             *   (properties?: umbra.v1.Chunk.$Properties): umbra.v1.Chunk;
             * }}
             */
            Chunk.create = function(properties) {
                return new Chunk(properties);
            };

            /**
             * Encodes the specified Chunk message. Does not implicitly {@link umbra.v1.Chunk.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Chunk
             * @static
             * @param {umbra.v1.Chunk.$Properties} message Chunk message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Chunk.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.name != null && $Object.hasOwnProperty.call(message, "name") && message.name.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.name);
                if (message.encoding != null && $Object.hasOwnProperty.call(message, "encoding") && message.encoding !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).int32(message.encoding);
                if (message.data != null && $Object.hasOwnProperty.call(message, "data") && message.data.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.data);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Chunk message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Chunk
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Chunk & umbra.v1.Chunk.$Shape} Chunk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Chunk.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Chunk();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.name = value;
                            else
                                delete message.name;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.encoding = value;
                            else
                                delete message.encoding;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.data = value;
                            else
                                delete message.data;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a Chunk message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Chunk
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Chunk} Chunk
             */
            Chunk.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Chunk)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Chunk: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Chunk();
                if (object.name != null)
                    if (object.name.length)
                        if (typeof object.name === "string")
                            $util.base64.decode(object.name, message.name = $util.newBuffer($util.base64.length(object.name)), 0);
                        else if (object.name.length >= 0)
                            message.name = object.name;
                if (object.encoding !== 0 && (typeof object.encoding !== "string" || $root.umbra.v1.ChunkEncoding[object.encoding] !== 0))
                    switch (object.encoding) {
                    case "CHUNK_ENCODING_RAW":
                    case 0:
                        message.encoding = 0;
                        break;
                    case "CHUNK_ENCODING_ZSTD":
                    case 1:
                        message.encoding = 1;
                        break;
                    default:
                        if (typeof object.encoding === "number" && (object.encoding | 0) === object.encoding)
                            message.encoding = object.encoding;
                    }
                if (object.data != null)
                    if (object.data.length)
                        if (typeof object.data === "string")
                            $util.base64.decode(object.data, message.data = $util.newBuffer($util.base64.length(object.data)), 0);
                        else if (object.data.length >= 0)
                            message.data = object.data;
                return message;
            };

            /**
             * Creates a plain object from a Chunk message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Chunk
             * @static
             * @param {umbra.v1.Chunk} message Chunk
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Chunk.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    if (options.bytes === $String)
                        object.name = "";
                    else {
                        object.name = [];
                        if (options.bytes !== $Array)
                            object.name = $util.newBuffer(object.name);
                    }
                    object.encoding = options.enums === $String ? "CHUNK_ENCODING_RAW" : 0;
                    if (options.bytes === $String)
                        object.data = "";
                    else {
                        object.data = [];
                        if (options.bytes !== $Array)
                            object.data = $util.newBuffer(object.data);
                    }
                }
                if (message.name != null && $Object.hasOwnProperty.call(message, "name"))
                    object.name = options.bytes === $String ? $util.base64.encode(message.name, 0, message.name.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.name) : message.name;
                if (message.encoding != null && $Object.hasOwnProperty.call(message, "encoding"))
                    object.encoding = options.enums === $String ? $root.umbra.v1.ChunkEncoding[message.encoding] === $undefined ? message.encoding : $root.umbra.v1.ChunkEncoding[message.encoding] : message.encoding;
                if (message.data != null && $Object.hasOwnProperty.call(message, "data"))
                    object.data = options.bytes === $String ? $util.base64.encode(message.data, 0, message.data.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.data) : message.data;
                return object;
            };

            /**
             * Converts this Chunk to JSON.
             * @function toJSON
             * @memberof umbra.v1.Chunk
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Chunk.prototype.toJSON = function() {
                return Chunk.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Chunk;
        })();

        v1.ChunkBatch = (function() {

            /**
             * Properties of a ChunkBatch.
             * @typedef {Object} umbra.v1.ChunkBatch.$Properties
             * @property {Long|null} [batch] ChunkBatch batch
             * @property {Array.<umbra.v1.Chunk.$Properties>|null} [chunks] ChunkBatch chunks
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChunkBatch.
             * @memberof umbra.v1
             * @interface IChunkBatch
             * @augments umbra.v1.ChunkBatch.$Properties
             * @deprecated Use umbra.v1.ChunkBatch.$Properties instead.
             */

            /**
             * Shape of a ChunkBatch.
             * @typedef {umbra.v1.ChunkBatch.$Properties} umbra.v1.ChunkBatch.$Shape
             */

            /**
             * Constructs a new ChunkBatch.
             * @memberof umbra.v1
             * @classdesc Represents a ChunkBatch.
             * @constructor
             * @param {umbra.v1.ChunkBatch.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChunkBatch = function (properties) {
                this.chunks = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChunkBatch batch.
             * @member {Long} batch
             * @memberof umbra.v1.ChunkBatch
             * @instance
             */
            ChunkBatch.prototype.batch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * ChunkBatch chunks.
             * @member {Array.<umbra.v1.Chunk.$Properties>} chunks
             * @memberof umbra.v1.ChunkBatch
             * @instance
             */
            ChunkBatch.prototype.chunks = $util.emptyArray;

            /**
             * Creates a new ChunkBatch instance using the specified properties.
             * @function create
             * @memberof umbra.v1.ChunkBatch
             * @static
             * @param {umbra.v1.ChunkBatch.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.ChunkBatch} ChunkBatch instance
             * @type {{
             *   (properties: umbra.v1.ChunkBatch.$Shape): umbra.v1.ChunkBatch & umbra.v1.ChunkBatch.$Shape;
             *   (properties?: umbra.v1.ChunkBatch.$Properties): umbra.v1.ChunkBatch;
             * }}
             */
            ChunkBatch.create = function(properties) {
                return new ChunkBatch(properties);
            };

            /**
             * Encodes the specified ChunkBatch message. Does not implicitly {@link umbra.v1.ChunkBatch.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.ChunkBatch
             * @static
             * @param {umbra.v1.ChunkBatch.$Properties} message ChunkBatch message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChunkBatch.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.batch != null && $Object.hasOwnProperty.call(message, "batch") && (typeof message.batch === "object" ? message.batch.low || message.batch.high : message.batch !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.batch);
                if (message.chunks != null && message.chunks.length)
                    for (let i = 0; i < message.chunks.length; ++i)
                        $root.umbra.v1.Chunk.encode(message.chunks[i], writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChunkBatch message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.ChunkBatch
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.ChunkBatch & umbra.v1.ChunkBatch.$Shape} ChunkBatch
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChunkBatch.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.ChunkBatch();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.batch = value;
                            else
                                delete message.batch;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.chunks && message.chunks.length))
                                message.chunks = [];
                            message.chunks.push($root.umbra.v1.Chunk.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a ChunkBatch message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.ChunkBatch
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.ChunkBatch} ChunkBatch
             */
            ChunkBatch.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.ChunkBatch)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.ChunkBatch: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.ChunkBatch();
                if (object.batch != null)
                    if (typeof object.batch === "object" ? object.batch.low || object.batch.high : $Number(object.batch) !== 0)
                        if ($util.Long)
                            message.batch = $util.Long.fromValue(object.batch, true);
                        else if (typeof object.batch === "string")
                            message.batch = $parseInt(object.batch, 10);
                        else if (typeof object.batch === "number")
                            message.batch = object.batch;
                        else if (typeof object.batch === "object")
                            message.batch = new $util.LongBits(object.batch.low >>> 0, object.batch.high >>> 0).toNumber(true);
                if (object.chunks) {
                    if (!$Array.isArray(object.chunks))
                        throw $TypeError(".umbra.v1.ChunkBatch.chunks: array expected");
                    message.chunks = $Array(object.chunks.length);
                    for (let i = 0; i < object.chunks.length; ++i) {
                        if (!$util.isObject(object.chunks[i]))
                            throw $TypeError(".umbra.v1.ChunkBatch.chunks: object expected");
                        message.chunks[i] = $root.umbra.v1.Chunk.fromObject(object.chunks[i], _depth + 1);
                    }
                }
                return message;
            };

            /**
             * Creates a plain object from a ChunkBatch message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.ChunkBatch
             * @static
             * @param {umbra.v1.ChunkBatch} message ChunkBatch
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ChunkBatch.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.chunks = [];
                if (options.defaults)
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.batch = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.batch = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                if (message.batch != null && $Object.hasOwnProperty.call(message, "batch"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.batch = typeof message.batch === "number" ? $BigInt(message.batch) : $util.Long.fromBits(message.batch.low >>> 0, message.batch.high >>> 0, true).toBigInt();
                    else if (typeof message.batch === "number")
                        object.batch = options.longs === $String ? $String(message.batch) : message.batch;
                    else
                        object.batch = options.longs === $String ? $util.Long.prototype.toString.call(message.batch) : options.longs === $Number ? new $util.LongBits(message.batch.low >>> 0, message.batch.high >>> 0).toNumber(true) : message.batch;
                if (message.chunks && message.chunks.length) {
                    object.chunks = $Array(message.chunks.length);
                    for (let j = 0; j < message.chunks.length; ++j)
                        object.chunks[j] = $root.umbra.v1.Chunk.toObject(message.chunks[j], options, _depth + 1);
                }
                return object;
            };

            /**
             * Converts this ChunkBatch to JSON.
             * @function toJSON
             * @memberof umbra.v1.ChunkBatch
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ChunkBatch.prototype.toJSON = function() {
                return ChunkBatch.toObject(this, $protobuf.util.toJSONOptions);
            };

            return ChunkBatch;
        })();

        v1.ChunkBatchAck = (function() {

            /**
             * Properties of a ChunkBatchAck.
             * @typedef {Object} umbra.v1.ChunkBatchAck.$Properties
             * @property {Long|null} [batch] ChunkBatchAck batch
             * @property {Array.<Uint8Array>|null} [rejected] ChunkBatchAck rejected
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChunkBatchAck.
             * @memberof umbra.v1
             * @interface IChunkBatchAck
             * @augments umbra.v1.ChunkBatchAck.$Properties
             * @deprecated Use umbra.v1.ChunkBatchAck.$Properties instead.
             */

            /**
             * Shape of a ChunkBatchAck.
             * @typedef {umbra.v1.ChunkBatchAck.$Properties} umbra.v1.ChunkBatchAck.$Shape
             */

            /**
             * Constructs a new ChunkBatchAck.
             * @memberof umbra.v1
             * @classdesc Represents a ChunkBatchAck.
             * @constructor
             * @param {umbra.v1.ChunkBatchAck.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChunkBatchAck = function (properties) {
                this.rejected = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChunkBatchAck batch.
             * @member {Long} batch
             * @memberof umbra.v1.ChunkBatchAck
             * @instance
             */
            ChunkBatchAck.prototype.batch = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * ChunkBatchAck rejected.
             * @member {Array.<Uint8Array>} rejected
             * @memberof umbra.v1.ChunkBatchAck
             * @instance
             */
            ChunkBatchAck.prototype.rejected = $util.emptyArray;

            /**
             * Creates a new ChunkBatchAck instance using the specified properties.
             * @function create
             * @memberof umbra.v1.ChunkBatchAck
             * @static
             * @param {umbra.v1.ChunkBatchAck.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.ChunkBatchAck} ChunkBatchAck instance
             * @type {{
             *   (properties: umbra.v1.ChunkBatchAck.$Shape): umbra.v1.ChunkBatchAck & umbra.v1.ChunkBatchAck.$Shape;
             *   (properties?: umbra.v1.ChunkBatchAck.$Properties): umbra.v1.ChunkBatchAck;
             * }}
             */
            ChunkBatchAck.create = function(properties) {
                return new ChunkBatchAck(properties);
            };

            /**
             * Encodes the specified ChunkBatchAck message. Does not implicitly {@link umbra.v1.ChunkBatchAck.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.ChunkBatchAck
             * @static
             * @param {umbra.v1.ChunkBatchAck.$Properties} message ChunkBatchAck message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChunkBatchAck.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.batch != null && $Object.hasOwnProperty.call(message, "batch") && (typeof message.batch === "object" ? message.batch.low || message.batch.high : message.batch !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.batch);
                if (message.rejected != null && message.rejected.length)
                    for (let i = 0; i < message.rejected.length; ++i)
                        writer.uint32(/* id 2, wireType 2 =*/18).bytes(message.rejected[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChunkBatchAck message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.ChunkBatchAck
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.ChunkBatchAck & umbra.v1.ChunkBatchAck.$Shape} ChunkBatchAck
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChunkBatchAck.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.ChunkBatchAck();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.batch = value;
                            else
                                delete message.batch;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if (!(message.rejected && message.rejected.length))
                                message.rejected = [];
                            message.rejected.push(reader.bytes());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a ChunkBatchAck message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.ChunkBatchAck
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.ChunkBatchAck} ChunkBatchAck
             */
            ChunkBatchAck.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.ChunkBatchAck)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.ChunkBatchAck: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.ChunkBatchAck();
                if (object.batch != null)
                    if (typeof object.batch === "object" ? object.batch.low || object.batch.high : $Number(object.batch) !== 0)
                        if ($util.Long)
                            message.batch = $util.Long.fromValue(object.batch, true);
                        else if (typeof object.batch === "string")
                            message.batch = $parseInt(object.batch, 10);
                        else if (typeof object.batch === "number")
                            message.batch = object.batch;
                        else if (typeof object.batch === "object")
                            message.batch = new $util.LongBits(object.batch.low >>> 0, object.batch.high >>> 0).toNumber(true);
                if (object.rejected) {
                    if (!$Array.isArray(object.rejected))
                        throw $TypeError(".umbra.v1.ChunkBatchAck.rejected: array expected");
                    message.rejected = $Array(object.rejected.length);
                    for (let i = 0; i < object.rejected.length; ++i)
                        if (typeof object.rejected[i] === "string")
                            $util.base64.decode(object.rejected[i], message.rejected[i] = $util.newBuffer($util.base64.length(object.rejected[i])), 0);
                        else if (object.rejected[i].length >= 0)
                            message.rejected[i] = object.rejected[i];
                }
                return message;
            };

            /**
             * Creates a plain object from a ChunkBatchAck message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.ChunkBatchAck
             * @static
             * @param {umbra.v1.ChunkBatchAck} message ChunkBatchAck
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ChunkBatchAck.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.rejected = [];
                if (options.defaults)
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.batch = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.batch = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                if (message.batch != null && $Object.hasOwnProperty.call(message, "batch"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.batch = typeof message.batch === "number" ? $BigInt(message.batch) : $util.Long.fromBits(message.batch.low >>> 0, message.batch.high >>> 0, true).toBigInt();
                    else if (typeof message.batch === "number")
                        object.batch = options.longs === $String ? $String(message.batch) : message.batch;
                    else
                        object.batch = options.longs === $String ? $util.Long.prototype.toString.call(message.batch) : options.longs === $Number ? new $util.LongBits(message.batch.low >>> 0, message.batch.high >>> 0).toNumber(true) : message.batch;
                if (message.rejected && message.rejected.length) {
                    object.rejected = $Array(message.rejected.length);
                    for (let j = 0; j < message.rejected.length; ++j)
                        object.rejected[j] = options.bytes === $String ? $util.base64.encode(message.rejected[j], 0, message.rejected[j].length) : options.bytes === $Array ? $Array.prototype.slice.call(message.rejected[j]) : message.rejected[j];
                }
                return object;
            };

            /**
             * Converts this ChunkBatchAck to JSON.
             * @function toJSON
             * @memberof umbra.v1.ChunkBatchAck
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ChunkBatchAck.prototype.toJSON = function() {
                return ChunkBatchAck.toObject(this, $protobuf.util.toJSONOptions);
            };

            return ChunkBatchAck;
        })();

        v1.ChangesetPart = (function() {

            /**
             * Properties of a ChangesetPart.
             * @typedef {Object} umbra.v1.ChangesetPart.$Properties
             * @property {umbra.v1.ChangesetHeader.$Properties|null} [header] ChangesetPart header
             * @property {umbra.v1.BlockRun.$Properties|null} [blocks] ChangesetPart blocks
             * @property {umbra.v1.FileChanges.$Properties|null} [files] ChangesetPart files
             * @property {"header"|"blocks"|"files"} [body] ChangesetPart body
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChangesetPart.
             * @memberof umbra.v1
             * @interface IChangesetPart
             * @augments umbra.v1.ChangesetPart.$Properties
             * @deprecated Use umbra.v1.ChangesetPart.$Properties instead.
             */

            /**
             * Narrowed shape of a ChangesetPart.
             * @typedef {{
             *   header?: umbra.v1.ChangesetHeader.$Shape|null;
             *   blocks?: umbra.v1.BlockRun.$Shape|null;
             *   files?: umbra.v1.FileChanges.$Shape|null;
             *   $unknowns?: Array.<Uint8Array>;
             * } & (
             *   ({ body?: undefined; header?: null; blocks?: null; files?: null }|{ body?: "header"; header: umbra.v1.ChangesetHeader.$Shape; blocks?: null; files?: null }|{ body?: "blocks"; header?: null; blocks: umbra.v1.BlockRun.$Shape; files?: null }|{ body?: "files"; header?: null; blocks?: null; files: umbra.v1.FileChanges.$Shape })
             * )} umbra.v1.ChangesetPart.$Shape
             */

            /**
             * Constructs a new ChangesetPart.
             * @memberof umbra.v1
             * @classdesc Represents a ChangesetPart.
             * @constructor
             * @param {umbra.v1.ChangesetPart.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChangesetPart = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChangesetPart header.
             * @member {umbra.v1.ChangesetHeader.$Properties|null|undefined} header
             * @memberof umbra.v1.ChangesetPart
             * @instance
             */
            ChangesetPart.prototype.header = null;

            /**
             * ChangesetPart blocks.
             * @member {umbra.v1.BlockRun.$Properties|null|undefined} blocks
             * @memberof umbra.v1.ChangesetPart
             * @instance
             */
            ChangesetPart.prototype.blocks = null;

            /**
             * ChangesetPart files.
             * @member {umbra.v1.FileChanges.$Properties|null|undefined} files
             * @memberof umbra.v1.ChangesetPart
             * @instance
             */
            ChangesetPart.prototype.files = null;

            // OneOf field names bound to virtual getters and setters
            let $oneOfFields;

            /**
             * ChangesetPart body.
             * @member {"header"|"blocks"|"files"|undefined} body
             * @memberof umbra.v1.ChangesetPart
             * @instance
             */
            $Object.defineProperty(ChangesetPart.prototype, "body", {
                get: $util.oneOfGetter($oneOfFields = ["header", "blocks", "files"]),
                set: $util.oneOfSetter($oneOfFields)
            });

            /**
             * Creates a new ChangesetPart instance using the specified properties.
             * @function create
             * @memberof umbra.v1.ChangesetPart
             * @static
             * @param {umbra.v1.ChangesetPart.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.ChangesetPart} ChangesetPart instance
             * @type {{
             *   (properties: umbra.v1.ChangesetPart.$Shape): umbra.v1.ChangesetPart & umbra.v1.ChangesetPart.$Shape;
             *   (properties?: umbra.v1.ChangesetPart.$Properties): umbra.v1.ChangesetPart;
             * }}
             */
            ChangesetPart.create = function(properties) {
                return new ChangesetPart(properties);
            };

            /**
             * Encodes the specified ChangesetPart message. Does not implicitly {@link umbra.v1.ChangesetPart.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.ChangesetPart
             * @static
             * @param {umbra.v1.ChangesetPart.$Properties} message ChangesetPart message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChangesetPart.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.header != null && $Object.hasOwnProperty.call(message, "header"))
                    $root.umbra.v1.ChangesetHeader.encode(message.header, writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.blocks != null && $Object.hasOwnProperty.call(message, "blocks"))
                    $root.umbra.v1.BlockRun.encode(message.blocks, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.files != null && $Object.hasOwnProperty.call(message, "files"))
                    $root.umbra.v1.FileChanges.encode(message.files, writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChangesetPart message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.ChangesetPart
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.ChangesetPart & umbra.v1.ChangesetPart.$Shape} ChangesetPart
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChangesetPart.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.ChangesetPart();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            message.header = $root.umbra.v1.ChangesetHeader.decode(reader, reader.size(), $undefined, _depth + 1, message.header);
                            message.body = "header";
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.blocks = $root.umbra.v1.BlockRun.decode(reader, reader.size(), $undefined, _depth + 1, message.blocks);
                            message.body = "blocks";
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            message.files = $root.umbra.v1.FileChanges.decode(reader, reader.size(), $undefined, _depth + 1, message.files);
                            message.body = "files";
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a ChangesetPart message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.ChangesetPart
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.ChangesetPart} ChangesetPart
             */
            ChangesetPart.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.ChangesetPart)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.ChangesetPart: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.ChangesetPart();
                if (object.header != null) {
                    if (!$util.isObject(object.header))
                        throw $TypeError(".umbra.v1.ChangesetPart.header: object expected");
                    message.header = $root.umbra.v1.ChangesetHeader.fromObject(object.header, _depth + 1);
                }
                if (object.blocks != null) {
                    if (!$util.isObject(object.blocks))
                        throw $TypeError(".umbra.v1.ChangesetPart.blocks: object expected");
                    message.blocks = $root.umbra.v1.BlockRun.fromObject(object.blocks, _depth + 1);
                }
                if (object.files != null) {
                    if (!$util.isObject(object.files))
                        throw $TypeError(".umbra.v1.ChangesetPart.files: object expected");
                    message.files = $root.umbra.v1.FileChanges.fromObject(object.files, _depth + 1);
                }
                return message;
            };

            /**
             * Creates a plain object from a ChangesetPart message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.ChangesetPart
             * @static
             * @param {umbra.v1.ChangesetPart} message ChangesetPart
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ChangesetPart.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (message.header != null && $Object.hasOwnProperty.call(message, "header")) {
                    object.header = $root.umbra.v1.ChangesetHeader.toObject(message.header, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "header";
                }
                if (message.blocks != null && $Object.hasOwnProperty.call(message, "blocks")) {
                    object.blocks = $root.umbra.v1.BlockRun.toObject(message.blocks, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "blocks";
                }
                if (message.files != null && $Object.hasOwnProperty.call(message, "files")) {
                    object.files = $root.umbra.v1.FileChanges.toObject(message.files, options, _depth + 1);
                    if (options.oneofs)
                        object.body = "files";
                }
                return object;
            };

            /**
             * Converts this ChangesetPart to JSON.
             * @function toJSON
             * @memberof umbra.v1.ChangesetPart
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ChangesetPart.prototype.toJSON = function() {
                return ChangesetPart.toObject(this, $protobuf.util.toJSONOptions);
            };

            return ChangesetPart;
        })();

        /**
         * CaptureMode enum.
         * @name umbra.v1.CaptureMode
         * @enum {number}
         * @property {number} CAPTURE_MODE_UNKNOWN=0 CAPTURE_MODE_UNKNOWN value
         * @property {number} CAPTURE_MODE_FIRST=1 CAPTURE_MODE_FIRST value
         * @property {number} CAPTURE_MODE_TRACKED=2 CAPTURE_MODE_TRACKED value
         * @property {number} CAPTURE_MODE_RESYNC=3 CAPTURE_MODE_RESYNC value
         */
        v1.CaptureMode = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "CAPTURE_MODE_UNKNOWN"] = 0;
            values[valuesById[1] = "CAPTURE_MODE_FIRST"] = 1;
            values[valuesById[2] = "CAPTURE_MODE_TRACKED"] = 2;
            values[valuesById[3] = "CAPTURE_MODE_RESYNC"] = 3;
            return values;
        })();

        /**
         * Consistency enum.
         * @name umbra.v1.Consistency
         * @enum {number}
         * @property {number} CONSISTENCY_CRASH=0 CONSISTENCY_CRASH value
         * @property {number} CONSISTENCY_FILESYSTEM=1 CONSISTENCY_FILESYSTEM value
         */
        v1.Consistency = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "CONSISTENCY_CRASH"] = 0;
            values[valuesById[1] = "CONSISTENCY_FILESYSTEM"] = 1;
            return values;
        })();

        v1.ChangesetHeader = (function() {

            /**
             * Properties of a ChangesetHeader.
             * @typedef {Object} umbra.v1.ChangesetHeader.$Properties
             * @property {string|null} [id] ChangesetHeader id
             * @property {string|null} [agentId] ChangesetHeader agentId
             * @property {string|null} [host] ChangesetHeader host
             * @property {string|null} [vm] ChangesetHeader vm
             * @property {string|null} [vmUuid] ChangesetHeader vmUuid
             * @property {string|null} [baseId] ChangesetHeader baseId
             * @property {Long|null} [sequence] ChangesetHeader sequence
             * @property {Long|null} [timeNs] ChangesetHeader timeNs
             * @property {umbra.v1.Consistency|null} [consistency] ChangesetHeader consistency
             * @property {Long|null} [captureNs] ChangesetHeader captureNs
             * @property {Long|null} [pauseNs] ChangesetHeader pauseNs
             * @property {Array.<umbra.v1.DiskChange.$Properties>|null} [disks] ChangesetHeader disks
             * @property {Array.<umbra.v1.Session.$Properties>|null} [sessions] ChangesetHeader sessions
             * @property {Array.<umbra.v1.PackageChange.$Properties>|null} [packages] ChangesetHeader packages
             * @property {umbra.v1.ImportOrigin.$Properties|null} [imported] ChangesetHeader imported
             * @property {umbra.v1.MachineState.$Properties|null} [state] ChangesetHeader state
             * @property {Long|null} [parts] ChangesetHeader parts
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a ChangesetHeader.
             * @memberof umbra.v1
             * @interface IChangesetHeader
             * @augments umbra.v1.ChangesetHeader.$Properties
             * @deprecated Use umbra.v1.ChangesetHeader.$Properties instead.
             */

            /**
             * Shape of a ChangesetHeader.
             * @typedef {umbra.v1.ChangesetHeader.$Properties} umbra.v1.ChangesetHeader.$Shape
             */

            /**
             * Constructs a new ChangesetHeader.
             * @memberof umbra.v1
             * @classdesc Represents a ChangesetHeader.
             * @constructor
             * @param {umbra.v1.ChangesetHeader.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ChangesetHeader = function (properties) {
                this.disks = [];
                this.sessions = [];
                this.packages = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ChangesetHeader id.
             * @member {string} id
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.id = "";

            /**
             * ChangesetHeader agentId.
             * @member {string} agentId
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.agentId = "";

            /**
             * ChangesetHeader host.
             * @member {string} host
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.host = "";

            /**
             * ChangesetHeader vm.
             * @member {string} vm
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.vm = "";

            /**
             * ChangesetHeader vmUuid.
             * @member {string} vmUuid
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.vmUuid = "";

            /**
             * ChangesetHeader baseId.
             * @member {string} baseId
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.baseId = "";

            /**
             * ChangesetHeader sequence.
             * @member {Long} sequence
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.sequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * ChangesetHeader timeNs.
             * @member {Long} timeNs
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.timeNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * ChangesetHeader consistency.
             * @member {umbra.v1.Consistency} consistency
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.consistency = 0;

            /**
             * ChangesetHeader captureNs.
             * @member {Long} captureNs
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.captureNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * ChangesetHeader pauseNs.
             * @member {Long} pauseNs
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.pauseNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * ChangesetHeader disks.
             * @member {Array.<umbra.v1.DiskChange.$Properties>} disks
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.disks = $util.emptyArray;

            /**
             * ChangesetHeader sessions.
             * @member {Array.<umbra.v1.Session.$Properties>} sessions
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.sessions = $util.emptyArray;

            /**
             * ChangesetHeader packages.
             * @member {Array.<umbra.v1.PackageChange.$Properties>} packages
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.packages = $util.emptyArray;

            /**
             * ChangesetHeader imported.
             * @member {umbra.v1.ImportOrigin.$Properties|null|undefined} imported
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.imported = null;

            /**
             * ChangesetHeader state.
             * @member {umbra.v1.MachineState.$Properties|null|undefined} state
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.state = null;

            /**
             * ChangesetHeader parts.
             * @member {Long} parts
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             */
            ChangesetHeader.prototype.parts = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new ChangesetHeader instance using the specified properties.
             * @function create
             * @memberof umbra.v1.ChangesetHeader
             * @static
             * @param {umbra.v1.ChangesetHeader.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.ChangesetHeader} ChangesetHeader instance
             * @type {{
             *   (properties: umbra.v1.ChangesetHeader.$Shape): umbra.v1.ChangesetHeader & umbra.v1.ChangesetHeader.$Shape;
             *   (properties?: umbra.v1.ChangesetHeader.$Properties): umbra.v1.ChangesetHeader;
             * }}
             */
            ChangesetHeader.create = function(properties) {
                return new ChangesetHeader(properties);
            };

            /**
             * Encodes the specified ChangesetHeader message. Does not implicitly {@link umbra.v1.ChangesetHeader.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.ChangesetHeader
             * @static
             * @param {umbra.v1.ChangesetHeader.$Properties} message ChangesetHeader message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ChangesetHeader.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.id != null && $Object.hasOwnProperty.call(message, "id") && message.id !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.id);
                if (message.agentId != null && $Object.hasOwnProperty.call(message, "agentId") && message.agentId !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.agentId);
                if (message.host != null && $Object.hasOwnProperty.call(message, "host") && message.host !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.host);
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm") && message.vm !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.vm);
                if (message.vmUuid != null && $Object.hasOwnProperty.call(message, "vmUuid") && message.vmUuid !== "")
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.vmUuid);
                if (message.baseId != null && $Object.hasOwnProperty.call(message, "baseId") && message.baseId !== "")
                    writer.uint32(/* id 6, wireType 2 =*/50).string(message.baseId);
                if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence") && (typeof message.sequence === "object" ? message.sequence.low || message.sequence.high : message.sequence !== 0))
                    writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.sequence);
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs") && (typeof message.timeNs === "object" ? message.timeNs.low || message.timeNs.high : message.timeNs !== 0))
                    writer.uint32(/* id 8, wireType 0 =*/64).uint64(message.timeNs);
                if (message.consistency != null && $Object.hasOwnProperty.call(message, "consistency") && message.consistency !== 0)
                    writer.uint32(/* id 9, wireType 0 =*/72).int32(message.consistency);
                if (message.captureNs != null && $Object.hasOwnProperty.call(message, "captureNs") && (typeof message.captureNs === "object" ? message.captureNs.low || message.captureNs.high : message.captureNs !== 0))
                    writer.uint32(/* id 10, wireType 0 =*/80).uint64(message.captureNs);
                if (message.pauseNs != null && $Object.hasOwnProperty.call(message, "pauseNs") && (typeof message.pauseNs === "object" ? message.pauseNs.low || message.pauseNs.high : message.pauseNs !== 0))
                    writer.uint32(/* id 11, wireType 0 =*/88).uint64(message.pauseNs);
                if (message.disks != null && message.disks.length)
                    for (let i = 0; i < message.disks.length; ++i)
                        $root.umbra.v1.DiskChange.encode(message.disks[i], writer.uint32(/* id 12, wireType 2 =*/98).fork(), _depth + 1).ldelim();
                if (message.sessions != null && message.sessions.length)
                    for (let i = 0; i < message.sessions.length; ++i)
                        $root.umbra.v1.Session.encode(message.sessions[i], writer.uint32(/* id 13, wireType 2 =*/106).fork(), _depth + 1).ldelim();
                if (message.packages != null && message.packages.length)
                    for (let i = 0; i < message.packages.length; ++i)
                        $root.umbra.v1.PackageChange.encode(message.packages[i], writer.uint32(/* id 14, wireType 2 =*/114).fork(), _depth + 1).ldelim();
                if (message.imported != null && $Object.hasOwnProperty.call(message, "imported"))
                    $root.umbra.v1.ImportOrigin.encode(message.imported, writer.uint32(/* id 15, wireType 2 =*/122).fork(), _depth + 1).ldelim();
                if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                    $root.umbra.v1.MachineState.encode(message.state, writer.uint32(/* id 16, wireType 2 =*/130).fork(), _depth + 1).ldelim();
                if (message.parts != null && $Object.hasOwnProperty.call(message, "parts") && (typeof message.parts === "object" ? message.parts.low || message.parts.high : message.parts !== 0))
                    writer.uint32(/* id 17, wireType 0 =*/136).uint64(message.parts);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a ChangesetHeader message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.ChangesetHeader
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.ChangesetHeader & umbra.v1.ChangesetHeader.$Shape} ChangesetHeader
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ChangesetHeader.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.ChangesetHeader();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.id = value;
                            else
                                delete message.id;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.agentId = value;
                            else
                                delete message.agentId;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.host = value;
                            else
                                delete message.host;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vm = value;
                            else
                                delete message.vm;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vmUuid = value;
                            else
                                delete message.vmUuid;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.baseId = value;
                            else
                                delete message.baseId;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sequence = value;
                            else
                                delete message.sequence;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.timeNs = value;
                            else
                                delete message.timeNs;
                            continue;
                        }
                    case 9: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.consistency = value;
                            else
                                delete message.consistency;
                            continue;
                        }
                    case 10: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.captureNs = value;
                            else
                                delete message.captureNs;
                            continue;
                        }
                    case 11: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.pauseNs = value;
                            else
                                delete message.pauseNs;
                            continue;
                        }
                    case 12: {
                            if (wireType !== 2)
                                break;
                            if (!(message.disks && message.disks.length))
                                message.disks = [];
                            message.disks.push($root.umbra.v1.DiskChange.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 13: {
                            if (wireType !== 2)
                                break;
                            if (!(message.sessions && message.sessions.length))
                                message.sessions = [];
                            message.sessions.push($root.umbra.v1.Session.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 14: {
                            if (wireType !== 2)
                                break;
                            if (!(message.packages && message.packages.length))
                                message.packages = [];
                            message.packages.push($root.umbra.v1.PackageChange.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 15: {
                            if (wireType !== 2)
                                break;
                            message.imported = $root.umbra.v1.ImportOrigin.decode(reader, reader.size(), $undefined, _depth + 1, message.imported);
                            continue;
                        }
                    case 16: {
                            if (wireType !== 2)
                                break;
                            message.state = $root.umbra.v1.MachineState.decode(reader, reader.size(), $undefined, _depth + 1, message.state);
                            continue;
                        }
                    case 17: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.parts = value;
                            else
                                delete message.parts;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a ChangesetHeader message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.ChangesetHeader
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.ChangesetHeader} ChangesetHeader
             */
            ChangesetHeader.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.ChangesetHeader)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.ChangesetHeader: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.ChangesetHeader();
                if (object.id != null)
                    if (typeof object.id !== "string" || object.id.length)
                        message.id = $String(object.id);
                if (object.agentId != null)
                    if (typeof object.agentId !== "string" || object.agentId.length)
                        message.agentId = $String(object.agentId);
                if (object.host != null)
                    if (typeof object.host !== "string" || object.host.length)
                        message.host = $String(object.host);
                if (object.vm != null)
                    if (typeof object.vm !== "string" || object.vm.length)
                        message.vm = $String(object.vm);
                if (object.vmUuid != null)
                    if (typeof object.vmUuid !== "string" || object.vmUuid.length)
                        message.vmUuid = $String(object.vmUuid);
                if (object.baseId != null)
                    if (typeof object.baseId !== "string" || object.baseId.length)
                        message.baseId = $String(object.baseId);
                if (object.sequence != null)
                    if (typeof object.sequence === "object" ? object.sequence.low || object.sequence.high : $Number(object.sequence) !== 0)
                        if ($util.Long)
                            message.sequence = $util.Long.fromValue(object.sequence, true);
                        else if (typeof object.sequence === "string")
                            message.sequence = $parseInt(object.sequence, 10);
                        else if (typeof object.sequence === "number")
                            message.sequence = object.sequence;
                        else if (typeof object.sequence === "object")
                            message.sequence = new $util.LongBits(object.sequence.low >>> 0, object.sequence.high >>> 0).toNumber(true);
                if (object.timeNs != null)
                    if (typeof object.timeNs === "object" ? object.timeNs.low || object.timeNs.high : $Number(object.timeNs) !== 0)
                        if ($util.Long)
                            message.timeNs = $util.Long.fromValue(object.timeNs, true);
                        else if (typeof object.timeNs === "string")
                            message.timeNs = $parseInt(object.timeNs, 10);
                        else if (typeof object.timeNs === "number")
                            message.timeNs = object.timeNs;
                        else if (typeof object.timeNs === "object")
                            message.timeNs = new $util.LongBits(object.timeNs.low >>> 0, object.timeNs.high >>> 0).toNumber(true);
                if (object.consistency !== 0 && (typeof object.consistency !== "string" || $root.umbra.v1.Consistency[object.consistency] !== 0))
                    switch (object.consistency) {
                    case "CONSISTENCY_CRASH":
                    case 0:
                        message.consistency = 0;
                        break;
                    case "CONSISTENCY_FILESYSTEM":
                    case 1:
                        message.consistency = 1;
                        break;
                    default:
                        if (typeof object.consistency === "number" && (object.consistency | 0) === object.consistency)
                            message.consistency = object.consistency;
                    }
                if (object.captureNs != null)
                    if (typeof object.captureNs === "object" ? object.captureNs.low || object.captureNs.high : $Number(object.captureNs) !== 0)
                        if ($util.Long)
                            message.captureNs = $util.Long.fromValue(object.captureNs, true);
                        else if (typeof object.captureNs === "string")
                            message.captureNs = $parseInt(object.captureNs, 10);
                        else if (typeof object.captureNs === "number")
                            message.captureNs = object.captureNs;
                        else if (typeof object.captureNs === "object")
                            message.captureNs = new $util.LongBits(object.captureNs.low >>> 0, object.captureNs.high >>> 0).toNumber(true);
                if (object.pauseNs != null)
                    if (typeof object.pauseNs === "object" ? object.pauseNs.low || object.pauseNs.high : $Number(object.pauseNs) !== 0)
                        if ($util.Long)
                            message.pauseNs = $util.Long.fromValue(object.pauseNs, true);
                        else if (typeof object.pauseNs === "string")
                            message.pauseNs = $parseInt(object.pauseNs, 10);
                        else if (typeof object.pauseNs === "number")
                            message.pauseNs = object.pauseNs;
                        else if (typeof object.pauseNs === "object")
                            message.pauseNs = new $util.LongBits(object.pauseNs.low >>> 0, object.pauseNs.high >>> 0).toNumber(true);
                if (object.disks) {
                    if (!$Array.isArray(object.disks))
                        throw $TypeError(".umbra.v1.ChangesetHeader.disks: array expected");
                    message.disks = $Array(object.disks.length);
                    for (let i = 0; i < object.disks.length; ++i) {
                        if (!$util.isObject(object.disks[i]))
                            throw $TypeError(".umbra.v1.ChangesetHeader.disks: object expected");
                        message.disks[i] = $root.umbra.v1.DiskChange.fromObject(object.disks[i], _depth + 1);
                    }
                }
                if (object.sessions) {
                    if (!$Array.isArray(object.sessions))
                        throw $TypeError(".umbra.v1.ChangesetHeader.sessions: array expected");
                    message.sessions = $Array(object.sessions.length);
                    for (let i = 0; i < object.sessions.length; ++i) {
                        if (!$util.isObject(object.sessions[i]))
                            throw $TypeError(".umbra.v1.ChangesetHeader.sessions: object expected");
                        message.sessions[i] = $root.umbra.v1.Session.fromObject(object.sessions[i], _depth + 1);
                    }
                }
                if (object.packages) {
                    if (!$Array.isArray(object.packages))
                        throw $TypeError(".umbra.v1.ChangesetHeader.packages: array expected");
                    message.packages = $Array(object.packages.length);
                    for (let i = 0; i < object.packages.length; ++i) {
                        if (!$util.isObject(object.packages[i]))
                            throw $TypeError(".umbra.v1.ChangesetHeader.packages: object expected");
                        message.packages[i] = $root.umbra.v1.PackageChange.fromObject(object.packages[i], _depth + 1);
                    }
                }
                if (object.imported != null) {
                    if (!$util.isObject(object.imported))
                        throw $TypeError(".umbra.v1.ChangesetHeader.imported: object expected");
                    message.imported = $root.umbra.v1.ImportOrigin.fromObject(object.imported, _depth + 1);
                }
                if (object.state != null) {
                    if (!$util.isObject(object.state))
                        throw $TypeError(".umbra.v1.ChangesetHeader.state: object expected");
                    message.state = $root.umbra.v1.MachineState.fromObject(object.state, _depth + 1);
                }
                if (object.parts != null)
                    if (typeof object.parts === "object" ? object.parts.low || object.parts.high : $Number(object.parts) !== 0)
                        if ($util.Long)
                            message.parts = $util.Long.fromValue(object.parts, true);
                        else if (typeof object.parts === "string")
                            message.parts = $parseInt(object.parts, 10);
                        else if (typeof object.parts === "number")
                            message.parts = object.parts;
                        else if (typeof object.parts === "object")
                            message.parts = new $util.LongBits(object.parts.low >>> 0, object.parts.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from a ChangesetHeader message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.ChangesetHeader
             * @static
             * @param {umbra.v1.ChangesetHeader} message ChangesetHeader
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ChangesetHeader.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults) {
                    object.disks = [];
                    object.sessions = [];
                    object.packages = [];
                }
                if (options.defaults) {
                    object.id = "";
                    object.agentId = "";
                    object.host = "";
                    object.vm = "";
                    object.vmUuid = "";
                    object.baseId = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sequence = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sequence = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.timeNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.timeNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.consistency = options.enums === $String ? "CONSISTENCY_CRASH" : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.captureNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.captureNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.pauseNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.pauseNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.imported = null;
                    object.state = null;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.parts = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.parts = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.id != null && $Object.hasOwnProperty.call(message, "id"))
                    object.id = message.id;
                if (message.agentId != null && $Object.hasOwnProperty.call(message, "agentId"))
                    object.agentId = message.agentId;
                if (message.host != null && $Object.hasOwnProperty.call(message, "host"))
                    object.host = message.host;
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm"))
                    object.vm = message.vm;
                if (message.vmUuid != null && $Object.hasOwnProperty.call(message, "vmUuid"))
                    object.vmUuid = message.vmUuid;
                if (message.baseId != null && $Object.hasOwnProperty.call(message, "baseId"))
                    object.baseId = message.baseId;
                if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sequence = typeof message.sequence === "number" ? $BigInt(message.sequence) : $util.Long.fromBits(message.sequence.low >>> 0, message.sequence.high >>> 0, true).toBigInt();
                    else if (typeof message.sequence === "number")
                        object.sequence = options.longs === $String ? $String(message.sequence) : message.sequence;
                    else
                        object.sequence = options.longs === $String ? $util.Long.prototype.toString.call(message.sequence) : options.longs === $Number ? new $util.LongBits(message.sequence.low >>> 0, message.sequence.high >>> 0).toNumber(true) : message.sequence;
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.timeNs = typeof message.timeNs === "number" ? $BigInt(message.timeNs) : $util.Long.fromBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0, true).toBigInt();
                    else if (typeof message.timeNs === "number")
                        object.timeNs = options.longs === $String ? $String(message.timeNs) : message.timeNs;
                    else
                        object.timeNs = options.longs === $String ? $util.Long.prototype.toString.call(message.timeNs) : options.longs === $Number ? new $util.LongBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0).toNumber(true) : message.timeNs;
                if (message.consistency != null && $Object.hasOwnProperty.call(message, "consistency"))
                    object.consistency = options.enums === $String ? $root.umbra.v1.Consistency[message.consistency] === $undefined ? message.consistency : $root.umbra.v1.Consistency[message.consistency] : message.consistency;
                if (message.captureNs != null && $Object.hasOwnProperty.call(message, "captureNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.captureNs = typeof message.captureNs === "number" ? $BigInt(message.captureNs) : $util.Long.fromBits(message.captureNs.low >>> 0, message.captureNs.high >>> 0, true).toBigInt();
                    else if (typeof message.captureNs === "number")
                        object.captureNs = options.longs === $String ? $String(message.captureNs) : message.captureNs;
                    else
                        object.captureNs = options.longs === $String ? $util.Long.prototype.toString.call(message.captureNs) : options.longs === $Number ? new $util.LongBits(message.captureNs.low >>> 0, message.captureNs.high >>> 0).toNumber(true) : message.captureNs;
                if (message.pauseNs != null && $Object.hasOwnProperty.call(message, "pauseNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.pauseNs = typeof message.pauseNs === "number" ? $BigInt(message.pauseNs) : $util.Long.fromBits(message.pauseNs.low >>> 0, message.pauseNs.high >>> 0, true).toBigInt();
                    else if (typeof message.pauseNs === "number")
                        object.pauseNs = options.longs === $String ? $String(message.pauseNs) : message.pauseNs;
                    else
                        object.pauseNs = options.longs === $String ? $util.Long.prototype.toString.call(message.pauseNs) : options.longs === $Number ? new $util.LongBits(message.pauseNs.low >>> 0, message.pauseNs.high >>> 0).toNumber(true) : message.pauseNs;
                if (message.disks && message.disks.length) {
                    object.disks = $Array(message.disks.length);
                    for (let j = 0; j < message.disks.length; ++j)
                        object.disks[j] = $root.umbra.v1.DiskChange.toObject(message.disks[j], options, _depth + 1);
                }
                if (message.sessions && message.sessions.length) {
                    object.sessions = $Array(message.sessions.length);
                    for (let j = 0; j < message.sessions.length; ++j)
                        object.sessions[j] = $root.umbra.v1.Session.toObject(message.sessions[j], options, _depth + 1);
                }
                if (message.packages && message.packages.length) {
                    object.packages = $Array(message.packages.length);
                    for (let j = 0; j < message.packages.length; ++j)
                        object.packages[j] = $root.umbra.v1.PackageChange.toObject(message.packages[j], options, _depth + 1);
                }
                if (message.imported != null && $Object.hasOwnProperty.call(message, "imported"))
                    object.imported = $root.umbra.v1.ImportOrigin.toObject(message.imported, options, _depth + 1);
                if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                    object.state = $root.umbra.v1.MachineState.toObject(message.state, options, _depth + 1);
                if (message.parts != null && $Object.hasOwnProperty.call(message, "parts"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.parts = typeof message.parts === "number" ? $BigInt(message.parts) : $util.Long.fromBits(message.parts.low >>> 0, message.parts.high >>> 0, true).toBigInt();
                    else if (typeof message.parts === "number")
                        object.parts = options.longs === $String ? $String(message.parts) : message.parts;
                    else
                        object.parts = options.longs === $String ? $util.Long.prototype.toString.call(message.parts) : options.longs === $Number ? new $util.LongBits(message.parts.low >>> 0, message.parts.high >>> 0).toNumber(true) : message.parts;
                return object;
            };

            /**
             * Converts this ChangesetHeader to JSON.
             * @function toJSON
             * @memberof umbra.v1.ChangesetHeader
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ChangesetHeader.prototype.toJSON = function() {
                return ChangesetHeader.toObject(this, $protobuf.util.toJSONOptions);
            };

            return ChangesetHeader;
        })();

        v1.MachineState = (function() {

            /**
             * Properties of a MachineState.
             * @typedef {Object} umbra.v1.MachineState.$Properties
             * @property {Array.<umbra.v1.StatePart.$Properties>|null} [parts] MachineState parts
             * @property {string|null} [machineType] MachineState machineType
             * @property {string|null} [hypervisor] MachineState hypervisor
             * @property {Long|null} [memoryBytes] MachineState memoryBytes
             * @property {number|null} [cpus] MachineState cpus
             * @property {Long|null} [streamBytes] MachineState streamBytes
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a MachineState.
             * @memberof umbra.v1
             * @interface IMachineState
             * @augments umbra.v1.MachineState.$Properties
             * @deprecated Use umbra.v1.MachineState.$Properties instead.
             */

            /**
             * Shape of a MachineState.
             * @typedef {umbra.v1.MachineState.$Properties} umbra.v1.MachineState.$Shape
             */

            /**
             * Constructs a new MachineState.
             * @memberof umbra.v1
             * @classdesc Represents a MachineState.
             * @constructor
             * @param {umbra.v1.MachineState.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const MachineState = function (properties) {
                this.parts = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * MachineState parts.
             * @member {Array.<umbra.v1.StatePart.$Properties>} parts
             * @memberof umbra.v1.MachineState
             * @instance
             */
            MachineState.prototype.parts = $util.emptyArray;

            /**
             * MachineState machineType.
             * @member {string} machineType
             * @memberof umbra.v1.MachineState
             * @instance
             */
            MachineState.prototype.machineType = "";

            /**
             * MachineState hypervisor.
             * @member {string} hypervisor
             * @memberof umbra.v1.MachineState
             * @instance
             */
            MachineState.prototype.hypervisor = "";

            /**
             * MachineState memoryBytes.
             * @member {Long} memoryBytes
             * @memberof umbra.v1.MachineState
             * @instance
             */
            MachineState.prototype.memoryBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * MachineState cpus.
             * @member {number} cpus
             * @memberof umbra.v1.MachineState
             * @instance
             */
            MachineState.prototype.cpus = 0;

            /**
             * MachineState streamBytes.
             * @member {Long} streamBytes
             * @memberof umbra.v1.MachineState
             * @instance
             */
            MachineState.prototype.streamBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new MachineState instance using the specified properties.
             * @function create
             * @memberof umbra.v1.MachineState
             * @static
             * @param {umbra.v1.MachineState.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.MachineState} MachineState instance
             * @type {{
             *   (properties: umbra.v1.MachineState.$Shape): umbra.v1.MachineState & umbra.v1.MachineState.$Shape;
             *   (properties?: umbra.v1.MachineState.$Properties): umbra.v1.MachineState;
             * }}
             */
            MachineState.create = function(properties) {
                return new MachineState(properties);
            };

            /**
             * Encodes the specified MachineState message. Does not implicitly {@link umbra.v1.MachineState.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.MachineState
             * @static
             * @param {umbra.v1.MachineState.$Properties} message MachineState message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            MachineState.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.parts != null && message.parts.length)
                    for (let i = 0; i < message.parts.length; ++i)
                        $root.umbra.v1.StatePart.encode(message.parts[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.machineType != null && $Object.hasOwnProperty.call(message, "machineType") && message.machineType !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.machineType);
                if (message.hypervisor != null && $Object.hasOwnProperty.call(message, "hypervisor") && message.hypervisor !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.hypervisor);
                if (message.memoryBytes != null && $Object.hasOwnProperty.call(message, "memoryBytes") && (typeof message.memoryBytes === "object" ? message.memoryBytes.low || message.memoryBytes.high : message.memoryBytes !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.memoryBytes);
                if (message.cpus != null && $Object.hasOwnProperty.call(message, "cpus") && message.cpus !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.cpus);
                if (message.streamBytes != null && $Object.hasOwnProperty.call(message, "streamBytes") && (typeof message.streamBytes === "object" ? message.streamBytes.low || message.streamBytes.high : message.streamBytes !== 0))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.streamBytes);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a MachineState message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.MachineState
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.MachineState & umbra.v1.MachineState.$Shape} MachineState
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            MachineState.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.MachineState();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if (!(message.parts && message.parts.length))
                                message.parts = [];
                            message.parts.push($root.umbra.v1.StatePart.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.machineType = value;
                            else
                                delete message.machineType;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.hypervisor = value;
                            else
                                delete message.hypervisor;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.memoryBytes = value;
                            else
                                delete message.memoryBytes;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.cpus = value;
                            else
                                delete message.cpus;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.streamBytes = value;
                            else
                                delete message.streamBytes;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a MachineState message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.MachineState
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.MachineState} MachineState
             */
            MachineState.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.MachineState)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.MachineState: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.MachineState();
                if (object.parts) {
                    if (!$Array.isArray(object.parts))
                        throw $TypeError(".umbra.v1.MachineState.parts: array expected");
                    message.parts = $Array(object.parts.length);
                    for (let i = 0; i < object.parts.length; ++i) {
                        if (!$util.isObject(object.parts[i]))
                            throw $TypeError(".umbra.v1.MachineState.parts: object expected");
                        message.parts[i] = $root.umbra.v1.StatePart.fromObject(object.parts[i], _depth + 1);
                    }
                }
                if (object.machineType != null)
                    if (typeof object.machineType !== "string" || object.machineType.length)
                        message.machineType = $String(object.machineType);
                if (object.hypervisor != null)
                    if (typeof object.hypervisor !== "string" || object.hypervisor.length)
                        message.hypervisor = $String(object.hypervisor);
                if (object.memoryBytes != null)
                    if (typeof object.memoryBytes === "object" ? object.memoryBytes.low || object.memoryBytes.high : $Number(object.memoryBytes) !== 0)
                        if ($util.Long)
                            message.memoryBytes = $util.Long.fromValue(object.memoryBytes, true);
                        else if (typeof object.memoryBytes === "string")
                            message.memoryBytes = $parseInt(object.memoryBytes, 10);
                        else if (typeof object.memoryBytes === "number")
                            message.memoryBytes = object.memoryBytes;
                        else if (typeof object.memoryBytes === "object")
                            message.memoryBytes = new $util.LongBits(object.memoryBytes.low >>> 0, object.memoryBytes.high >>> 0).toNumber(true);
                if (object.cpus != null)
                    if ($Number(object.cpus) !== 0)
                        message.cpus = object.cpus >>> 0;
                if (object.streamBytes != null)
                    if (typeof object.streamBytes === "object" ? object.streamBytes.low || object.streamBytes.high : $Number(object.streamBytes) !== 0)
                        if ($util.Long)
                            message.streamBytes = $util.Long.fromValue(object.streamBytes, true);
                        else if (typeof object.streamBytes === "string")
                            message.streamBytes = $parseInt(object.streamBytes, 10);
                        else if (typeof object.streamBytes === "number")
                            message.streamBytes = object.streamBytes;
                        else if (typeof object.streamBytes === "object")
                            message.streamBytes = new $util.LongBits(object.streamBytes.low >>> 0, object.streamBytes.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from a MachineState message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.MachineState
             * @static
             * @param {umbra.v1.MachineState} message MachineState
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            MachineState.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.parts = [];
                if (options.defaults) {
                    object.machineType = "";
                    object.hypervisor = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.memoryBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.memoryBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.cpus = 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.streamBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.streamBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.parts && message.parts.length) {
                    object.parts = $Array(message.parts.length);
                    for (let j = 0; j < message.parts.length; ++j)
                        object.parts[j] = $root.umbra.v1.StatePart.toObject(message.parts[j], options, _depth + 1);
                }
                if (message.machineType != null && $Object.hasOwnProperty.call(message, "machineType"))
                    object.machineType = message.machineType;
                if (message.hypervisor != null && $Object.hasOwnProperty.call(message, "hypervisor"))
                    object.hypervisor = message.hypervisor;
                if (message.memoryBytes != null && $Object.hasOwnProperty.call(message, "memoryBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.memoryBytes = typeof message.memoryBytes === "number" ? $BigInt(message.memoryBytes) : $util.Long.fromBits(message.memoryBytes.low >>> 0, message.memoryBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.memoryBytes === "number")
                        object.memoryBytes = options.longs === $String ? $String(message.memoryBytes) : message.memoryBytes;
                    else
                        object.memoryBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.memoryBytes) : options.longs === $Number ? new $util.LongBits(message.memoryBytes.low >>> 0, message.memoryBytes.high >>> 0).toNumber(true) : message.memoryBytes;
                if (message.cpus != null && $Object.hasOwnProperty.call(message, "cpus"))
                    object.cpus = message.cpus;
                if (message.streamBytes != null && $Object.hasOwnProperty.call(message, "streamBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.streamBytes = typeof message.streamBytes === "number" ? $BigInt(message.streamBytes) : $util.Long.fromBits(message.streamBytes.low >>> 0, message.streamBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.streamBytes === "number")
                        object.streamBytes = options.longs === $String ? $String(message.streamBytes) : message.streamBytes;
                    else
                        object.streamBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.streamBytes) : options.longs === $Number ? new $util.LongBits(message.streamBytes.low >>> 0, message.streamBytes.high >>> 0).toNumber(true) : message.streamBytes;
                return object;
            };

            /**
             * Converts this MachineState to JSON.
             * @function toJSON
             * @memberof umbra.v1.MachineState
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            MachineState.prototype.toJSON = function() {
                return MachineState.toObject(this, $protobuf.util.toJSONOptions);
            };

            return MachineState;
        })();

        v1.StatePart = (function() {

            /**
             * Properties of a StatePart.
             * @typedef {Object} umbra.v1.StatePart.$Properties
             * @property {umbra.v1.StatePartKind|null} [part] StatePart part
             * @property {Long|null} [sizeBytes] StatePart sizeBytes
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a StatePart.
             * @memberof umbra.v1
             * @interface IStatePart
             * @augments umbra.v1.StatePart.$Properties
             * @deprecated Use umbra.v1.StatePart.$Properties instead.
             */

            /**
             * Shape of a StatePart.
             * @typedef {umbra.v1.StatePart.$Properties} umbra.v1.StatePart.$Shape
             */

            /**
             * Constructs a new StatePart.
             * @memberof umbra.v1
             * @classdesc Represents a StatePart.
             * @constructor
             * @param {umbra.v1.StatePart.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const StatePart = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * StatePart part.
             * @member {umbra.v1.StatePartKind} part
             * @memberof umbra.v1.StatePart
             * @instance
             */
            StatePart.prototype.part = 0;

            /**
             * StatePart sizeBytes.
             * @member {Long} sizeBytes
             * @memberof umbra.v1.StatePart
             * @instance
             */
            StatePart.prototype.sizeBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new StatePart instance using the specified properties.
             * @function create
             * @memberof umbra.v1.StatePart
             * @static
             * @param {umbra.v1.StatePart.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.StatePart} StatePart instance
             * @type {{
             *   (properties: umbra.v1.StatePart.$Shape): umbra.v1.StatePart & umbra.v1.StatePart.$Shape;
             *   (properties?: umbra.v1.StatePart.$Properties): umbra.v1.StatePart;
             * }}
             */
            StatePart.create = function(properties) {
                return new StatePart(properties);
            };

            /**
             * Encodes the specified StatePart message. Does not implicitly {@link umbra.v1.StatePart.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.StatePart
             * @static
             * @param {umbra.v1.StatePart.$Properties} message StatePart message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            StatePart.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.part != null && $Object.hasOwnProperty.call(message, "part") && message.part !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).int32(message.part);
                if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes") && (typeof message.sizeBytes === "object" ? message.sizeBytes.low || message.sizeBytes.high : message.sizeBytes !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.sizeBytes);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a StatePart message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.StatePart
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.StatePart & umbra.v1.StatePart.$Shape} StatePart
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            StatePart.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.StatePart();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.part = value;
                            else
                                delete message.part;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sizeBytes = value;
                            else
                                delete message.sizeBytes;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a StatePart message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.StatePart
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.StatePart} StatePart
             */
            StatePart.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.StatePart)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.StatePart: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.StatePart();
                if (object.part !== 0 && (typeof object.part !== "string" || $root.umbra.v1.StatePartKind[object.part] !== 0))
                    switch (object.part) {
                    case "STATE_PART_NONE":
                    case 0:
                        message.part = 0;
                        break;
                    case "STATE_PART_RAM":
                    case 1:
                        message.part = 1;
                        break;
                    case "STATE_PART_DEVICES":
                    case 2:
                        message.part = 2;
                        break;
                    case "STATE_PART_CONFIGURATION":
                    case 3:
                        message.part = 3;
                        break;
                    default:
                        if (typeof object.part === "number" && (object.part | 0) === object.part)
                            message.part = object.part;
                    }
                if (object.sizeBytes != null)
                    if (typeof object.sizeBytes === "object" ? object.sizeBytes.low || object.sizeBytes.high : $Number(object.sizeBytes) !== 0)
                        if ($util.Long)
                            message.sizeBytes = $util.Long.fromValue(object.sizeBytes, true);
                        else if (typeof object.sizeBytes === "string")
                            message.sizeBytes = $parseInt(object.sizeBytes, 10);
                        else if (typeof object.sizeBytes === "number")
                            message.sizeBytes = object.sizeBytes;
                        else if (typeof object.sizeBytes === "object")
                            message.sizeBytes = new $util.LongBits(object.sizeBytes.low >>> 0, object.sizeBytes.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from a StatePart message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.StatePart
             * @static
             * @param {umbra.v1.StatePart} message StatePart
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            StatePart.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.part = options.enums === $String ? "STATE_PART_NONE" : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sizeBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sizeBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.part != null && $Object.hasOwnProperty.call(message, "part"))
                    object.part = options.enums === $String ? $root.umbra.v1.StatePartKind[message.part] === $undefined ? message.part : $root.umbra.v1.StatePartKind[message.part] : message.part;
                if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sizeBytes = typeof message.sizeBytes === "number" ? $BigInt(message.sizeBytes) : $util.Long.fromBits(message.sizeBytes.low >>> 0, message.sizeBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.sizeBytes === "number")
                        object.sizeBytes = options.longs === $String ? $String(message.sizeBytes) : message.sizeBytes;
                    else
                        object.sizeBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.sizeBytes) : options.longs === $Number ? new $util.LongBits(message.sizeBytes.low >>> 0, message.sizeBytes.high >>> 0).toNumber(true) : message.sizeBytes;
                return object;
            };

            /**
             * Converts this StatePart to JSON.
             * @function toJSON
             * @memberof umbra.v1.StatePart
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            StatePart.prototype.toJSON = function() {
                return StatePart.toObject(this, $protobuf.util.toJSONOptions);
            };

            return StatePart;
        })();

        /**
         * StatePartKind enum.
         * @name umbra.v1.StatePartKind
         * @enum {number}
         * @property {number} STATE_PART_NONE=0 STATE_PART_NONE value
         * @property {number} STATE_PART_RAM=1 STATE_PART_RAM value
         * @property {number} STATE_PART_DEVICES=2 STATE_PART_DEVICES value
         * @property {number} STATE_PART_CONFIGURATION=3 STATE_PART_CONFIGURATION value
         */
        v1.StatePartKind = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "STATE_PART_NONE"] = 0;
            values[valuesById[1] = "STATE_PART_RAM"] = 1;
            values[valuesById[2] = "STATE_PART_DEVICES"] = 2;
            values[valuesById[3] = "STATE_PART_CONFIGURATION"] = 3;
            return values;
        })();

        v1.ImportOrigin = (function() {

            /**
             * Properties of an ImportOrigin.
             * @typedef {Object} umbra.v1.ImportOrigin.$Properties
             * @property {umbra.v1.ImportKind|null} [kind] ImportOrigin kind
             * @property {string|null} [name] ImportOrigin name
             * @property {umbra.v1.ImportTime|null} [timeFrom] ImportOrigin timeFrom
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an ImportOrigin.
             * @memberof umbra.v1
             * @interface IImportOrigin
             * @augments umbra.v1.ImportOrigin.$Properties
             * @deprecated Use umbra.v1.ImportOrigin.$Properties instead.
             */

            /**
             * Shape of an ImportOrigin.
             * @typedef {umbra.v1.ImportOrigin.$Properties} umbra.v1.ImportOrigin.$Shape
             */

            /**
             * Constructs a new ImportOrigin.
             * @memberof umbra.v1
             * @classdesc Represents an ImportOrigin.
             * @constructor
             * @param {umbra.v1.ImportOrigin.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const ImportOrigin = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * ImportOrigin kind.
             * @member {umbra.v1.ImportKind} kind
             * @memberof umbra.v1.ImportOrigin
             * @instance
             */
            ImportOrigin.prototype.kind = 0;

            /**
             * ImportOrigin name.
             * @member {string} name
             * @memberof umbra.v1.ImportOrigin
             * @instance
             */
            ImportOrigin.prototype.name = "";

            /**
             * ImportOrigin timeFrom.
             * @member {umbra.v1.ImportTime} timeFrom
             * @memberof umbra.v1.ImportOrigin
             * @instance
             */
            ImportOrigin.prototype.timeFrom = 0;

            /**
             * Creates a new ImportOrigin instance using the specified properties.
             * @function create
             * @memberof umbra.v1.ImportOrigin
             * @static
             * @param {umbra.v1.ImportOrigin.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.ImportOrigin} ImportOrigin instance
             * @type {{
             *   (properties: umbra.v1.ImportOrigin.$Shape): umbra.v1.ImportOrigin & umbra.v1.ImportOrigin.$Shape;
             *   (properties?: umbra.v1.ImportOrigin.$Properties): umbra.v1.ImportOrigin;
             * }}
             */
            ImportOrigin.create = function(properties) {
                return new ImportOrigin(properties);
            };

            /**
             * Encodes the specified ImportOrigin message. Does not implicitly {@link umbra.v1.ImportOrigin.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.ImportOrigin
             * @static
             * @param {umbra.v1.ImportOrigin.$Properties} message ImportOrigin message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            ImportOrigin.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.kind != null && $Object.hasOwnProperty.call(message, "kind") && message.kind !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).int32(message.kind);
                if (message.name != null && $Object.hasOwnProperty.call(message, "name") && message.name !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.name);
                if (message.timeFrom != null && $Object.hasOwnProperty.call(message, "timeFrom") && message.timeFrom !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).int32(message.timeFrom);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an ImportOrigin message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.ImportOrigin
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.ImportOrigin & umbra.v1.ImportOrigin.$Shape} ImportOrigin
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            ImportOrigin.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.ImportOrigin();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.kind = value;
                            else
                                delete message.kind;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.name = value;
                            else
                                delete message.name;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.timeFrom = value;
                            else
                                delete message.timeFrom;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates an ImportOrigin message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.ImportOrigin
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.ImportOrigin} ImportOrigin
             */
            ImportOrigin.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.ImportOrigin)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.ImportOrigin: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.ImportOrigin();
                if (object.kind !== 0 && (typeof object.kind !== "string" || $root.umbra.v1.ImportKind[object.kind] !== 0))
                    switch (object.kind) {
                    case "IMPORT_KIND_UNKNOWN":
                    case 0:
                        message.kind = 0;
                        break;
                    case "IMPORT_KIND_SNAPSHOT":
                    case 1:
                        message.kind = 1;
                        break;
                    case "IMPORT_KIND_LAYER":
                    case 2:
                        message.kind = 2;
                        break;
                    case "IMPORT_KIND_IMAGE":
                    case 3:
                        message.kind = 3;
                        break;
                    default:
                        if (typeof object.kind === "number" && (object.kind | 0) === object.kind)
                            message.kind = object.kind;
                    }
                if (object.name != null)
                    if (typeof object.name !== "string" || object.name.length)
                        message.name = $String(object.name);
                if (object.timeFrom !== 0 && (typeof object.timeFrom !== "string" || $root.umbra.v1.ImportTime[object.timeFrom] !== 0))
                    switch (object.timeFrom) {
                    case "IMPORT_TIME_UNKNOWN":
                    case 0:
                        message.timeFrom = 0;
                        break;
                    case "IMPORT_TIME_SNAPSHOT":
                    case 1:
                        message.timeFrom = 1;
                        break;
                    case "IMPORT_TIME_NAME":
                    case 2:
                        message.timeFrom = 2;
                        break;
                    case "IMPORT_TIME_MODIFIED":
                    case 3:
                        message.timeFrom = 3;
                        break;
                    case "IMPORT_TIME_GIVEN":
                    case 4:
                        message.timeFrom = 4;
                        break;
                    default:
                        if (typeof object.timeFrom === "number" && (object.timeFrom | 0) === object.timeFrom)
                            message.timeFrom = object.timeFrom;
                    }
                return message;
            };

            /**
             * Creates a plain object from an ImportOrigin message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.ImportOrigin
             * @static
             * @param {umbra.v1.ImportOrigin} message ImportOrigin
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            ImportOrigin.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.kind = options.enums === $String ? "IMPORT_KIND_UNKNOWN" : 0;
                    object.name = "";
                    object.timeFrom = options.enums === $String ? "IMPORT_TIME_UNKNOWN" : 0;
                }
                if (message.kind != null && $Object.hasOwnProperty.call(message, "kind"))
                    object.kind = options.enums === $String ? $root.umbra.v1.ImportKind[message.kind] === $undefined ? message.kind : $root.umbra.v1.ImportKind[message.kind] : message.kind;
                if (message.name != null && $Object.hasOwnProperty.call(message, "name"))
                    object.name = message.name;
                if (message.timeFrom != null && $Object.hasOwnProperty.call(message, "timeFrom"))
                    object.timeFrom = options.enums === $String ? $root.umbra.v1.ImportTime[message.timeFrom] === $undefined ? message.timeFrom : $root.umbra.v1.ImportTime[message.timeFrom] : message.timeFrom;
                return object;
            };

            /**
             * Converts this ImportOrigin to JSON.
             * @function toJSON
             * @memberof umbra.v1.ImportOrigin
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            ImportOrigin.prototype.toJSON = function() {
                return ImportOrigin.toObject(this, $protobuf.util.toJSONOptions);
            };

            return ImportOrigin;
        })();

        /**
         * ImportKind enum.
         * @name umbra.v1.ImportKind
         * @enum {number}
         * @property {number} IMPORT_KIND_UNKNOWN=0 IMPORT_KIND_UNKNOWN value
         * @property {number} IMPORT_KIND_SNAPSHOT=1 IMPORT_KIND_SNAPSHOT value
         * @property {number} IMPORT_KIND_LAYER=2 IMPORT_KIND_LAYER value
         * @property {number} IMPORT_KIND_IMAGE=3 IMPORT_KIND_IMAGE value
         */
        v1.ImportKind = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "IMPORT_KIND_UNKNOWN"] = 0;
            values[valuesById[1] = "IMPORT_KIND_SNAPSHOT"] = 1;
            values[valuesById[2] = "IMPORT_KIND_LAYER"] = 2;
            values[valuesById[3] = "IMPORT_KIND_IMAGE"] = 3;
            return values;
        })();

        /**
         * ImportTime enum.
         * @name umbra.v1.ImportTime
         * @enum {number}
         * @property {number} IMPORT_TIME_UNKNOWN=0 IMPORT_TIME_UNKNOWN value
         * @property {number} IMPORT_TIME_SNAPSHOT=1 IMPORT_TIME_SNAPSHOT value
         * @property {number} IMPORT_TIME_NAME=2 IMPORT_TIME_NAME value
         * @property {number} IMPORT_TIME_MODIFIED=3 IMPORT_TIME_MODIFIED value
         * @property {number} IMPORT_TIME_GIVEN=4 IMPORT_TIME_GIVEN value
         */
        v1.ImportTime = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "IMPORT_TIME_UNKNOWN"] = 0;
            values[valuesById[1] = "IMPORT_TIME_SNAPSHOT"] = 1;
            values[valuesById[2] = "IMPORT_TIME_NAME"] = 2;
            values[valuesById[3] = "IMPORT_TIME_MODIFIED"] = 3;
            values[valuesById[4] = "IMPORT_TIME_GIVEN"] = 4;
            return values;
        })();

        v1.Session = (function() {

            /**
             * Properties of a Session.
             * @typedef {Object} umbra.v1.Session.$Properties
             * @property {string|null} [user] Session user
             * @property {string|null} [tty] Session tty
             * @property {string|null} [host] Session host
             * @property {number|null} [from] Session from
             * @property {number|null} [to] Session to
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Session.
             * @memberof umbra.v1
             * @interface ISession
             * @augments umbra.v1.Session.$Properties
             * @deprecated Use umbra.v1.Session.$Properties instead.
             */

            /**
             * Shape of a Session.
             * @typedef {umbra.v1.Session.$Properties} umbra.v1.Session.$Shape
             */

            /**
             * Constructs a new Session.
             * @memberof umbra.v1
             * @classdesc Represents a Session.
             * @constructor
             * @param {umbra.v1.Session.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Session = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Session user.
             * @member {string} user
             * @memberof umbra.v1.Session
             * @instance
             */
            Session.prototype.user = "";

            /**
             * Session tty.
             * @member {string} tty
             * @memberof umbra.v1.Session
             * @instance
             */
            Session.prototype.tty = "";

            /**
             * Session host.
             * @member {string} host
             * @memberof umbra.v1.Session
             * @instance
             */
            Session.prototype.host = "";

            /**
             * Session from.
             * @member {number} from
             * @memberof umbra.v1.Session
             * @instance
             */
            Session.prototype.from = 0;

            /**
             * Session to.
             * @member {number} to
             * @memberof umbra.v1.Session
             * @instance
             */
            Session.prototype.to = 0;

            /**
             * Creates a new Session instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Session
             * @static
             * @param {umbra.v1.Session.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Session} Session instance
             * @type {{
             *   (properties: umbra.v1.Session.$Shape): umbra.v1.Session & umbra.v1.Session.$Shape;
             *   (properties?: umbra.v1.Session.$Properties): umbra.v1.Session;
             * }}
             */
            Session.create = function(properties) {
                return new Session(properties);
            };

            /**
             * Encodes the specified Session message. Does not implicitly {@link umbra.v1.Session.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Session
             * @static
             * @param {umbra.v1.Session.$Properties} message Session message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Session.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.user != null && $Object.hasOwnProperty.call(message, "user") && message.user !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.user);
                if (message.tty != null && $Object.hasOwnProperty.call(message, "tty") && message.tty !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.tty);
                if (message.host != null && $Object.hasOwnProperty.call(message, "host") && message.host !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.host);
                if (message.from != null && $Object.hasOwnProperty.call(message, "from") && !$Object.is(message.from, 0))
                    writer.uint32(/* id 4, wireType 1 =*/33).double(message.from);
                if (message.to != null && $Object.hasOwnProperty.call(message, "to") && !$Object.is(message.to, 0))
                    writer.uint32(/* id 5, wireType 1 =*/41).double(message.to);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Session message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Session
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Session & umbra.v1.Session.$Shape} Session
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Session.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Session();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.user = value;
                            else
                                delete message.user;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.tty = value;
                            else
                                delete message.tty;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.host = value;
                            else
                                delete message.host;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.from = value;
                            else
                                delete message.from;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.to = value;
                            else
                                delete message.to;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a Session message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Session
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Session} Session
             */
            Session.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Session)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Session: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Session();
                if (object.user != null)
                    if (typeof object.user !== "string" || object.user.length)
                        message.user = $String(object.user);
                if (object.tty != null)
                    if (typeof object.tty !== "string" || object.tty.length)
                        message.tty = $String(object.tty);
                if (object.host != null)
                    if (typeof object.host !== "string" || object.host.length)
                        message.host = $String(object.host);
                if (object.from != null)
                    if (!$Object.is($Number(object.from), 0))
                        message.from = $Number(object.from);
                if (object.to != null)
                    if (!$Object.is($Number(object.to), 0))
                        message.to = $Number(object.to);
                return message;
            };

            /**
             * Creates a plain object from a Session message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Session
             * @static
             * @param {umbra.v1.Session} message Session
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Session.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.user = "";
                    object.tty = "";
                    object.host = "";
                    object.from = 0;
                    object.to = 0;
                }
                if (message.user != null && $Object.hasOwnProperty.call(message, "user"))
                    object.user = message.user;
                if (message.tty != null && $Object.hasOwnProperty.call(message, "tty"))
                    object.tty = message.tty;
                if (message.host != null && $Object.hasOwnProperty.call(message, "host"))
                    object.host = message.host;
                if (message.from != null && $Object.hasOwnProperty.call(message, "from"))
                    object.from = options.json && !$isFinite(message.from) ? $String(message.from) : message.from;
                if (message.to != null && $Object.hasOwnProperty.call(message, "to"))
                    object.to = options.json && !$isFinite(message.to) ? $String(message.to) : message.to;
                return object;
            };

            /**
             * Converts this Session to JSON.
             * @function toJSON
             * @memberof umbra.v1.Session
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Session.prototype.toJSON = function() {
                return Session.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Session;
        })();

        v1.PackageChange = (function() {

            /**
             * Properties of a PackageChange.
             * @typedef {Object} umbra.v1.PackageChange.$Properties
             * @property {string|null} ["package"] PackageChange package
             * @property {string|null} [before] PackageChange before
             * @property {string|null} [after] PackageChange after
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PackageChange.
             * @memberof umbra.v1
             * @interface IPackageChange
             * @augments umbra.v1.PackageChange.$Properties
             * @deprecated Use umbra.v1.PackageChange.$Properties instead.
             */

            /**
             * Shape of a PackageChange.
             * @typedef {umbra.v1.PackageChange.$Properties} umbra.v1.PackageChange.$Shape
             */

            /**
             * Constructs a new PackageChange.
             * @memberof umbra.v1
             * @classdesc Represents a PackageChange.
             * @constructor
             * @param {umbra.v1.PackageChange.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PackageChange = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PackageChange package.
             * @member {string} package
             * @memberof umbra.v1.PackageChange
             * @instance
             */
            PackageChange.prototype["package"] = "";

            /**
             * PackageChange before.
             * @member {string} before
             * @memberof umbra.v1.PackageChange
             * @instance
             */
            PackageChange.prototype.before = "";

            /**
             * PackageChange after.
             * @member {string} after
             * @memberof umbra.v1.PackageChange
             * @instance
             */
            PackageChange.prototype.after = "";

            /**
             * Creates a new PackageChange instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PackageChange
             * @static
             * @param {umbra.v1.PackageChange.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PackageChange} PackageChange instance
             * @type {{
             *   (properties: umbra.v1.PackageChange.$Shape): umbra.v1.PackageChange & umbra.v1.PackageChange.$Shape;
             *   (properties?: umbra.v1.PackageChange.$Properties): umbra.v1.PackageChange;
             * }}
             */
            PackageChange.create = function(properties) {
                return new PackageChange(properties);
            };

            /**
             * Encodes the specified PackageChange message. Does not implicitly {@link umbra.v1.PackageChange.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PackageChange
             * @static
             * @param {umbra.v1.PackageChange.$Properties} message PackageChange message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PackageChange.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message["package"] != null && $Object.hasOwnProperty.call(message, "package") && message["package"] !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message["package"]);
                if (message.before != null && $Object.hasOwnProperty.call(message, "before") && message.before !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.before);
                if (message.after != null && $Object.hasOwnProperty.call(message, "after") && message.after !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.after);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PackageChange message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PackageChange
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PackageChange & umbra.v1.PackageChange.$Shape} PackageChange
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PackageChange.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PackageChange();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message["package"] = value;
                            else
                                delete message["package"];
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.before = value;
                            else
                                delete message.before;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.after = value;
                            else
                                delete message.after;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PackageChange message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PackageChange
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PackageChange} PackageChange
             */
            PackageChange.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PackageChange)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PackageChange: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PackageChange();
                if (object["package"] != null)
                    if (typeof object["package"] !== "string" || object["package"].length)
                        message["package"] = $String(object["package"]);
                if (object.before != null)
                    if (typeof object.before !== "string" || object.before.length)
                        message.before = $String(object.before);
                if (object.after != null)
                    if (typeof object.after !== "string" || object.after.length)
                        message.after = $String(object.after);
                return message;
            };

            /**
             * Creates a plain object from a PackageChange message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PackageChange
             * @static
             * @param {umbra.v1.PackageChange} message PackageChange
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PackageChange.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object["package"] = "";
                    object.before = "";
                    object.after = "";
                }
                if (message["package"] != null && $Object.hasOwnProperty.call(message, "package"))
                    object["package"] = message["package"];
                if (message.before != null && $Object.hasOwnProperty.call(message, "before"))
                    object.before = message.before;
                if (message.after != null && $Object.hasOwnProperty.call(message, "after"))
                    object.after = message.after;
                return object;
            };

            /**
             * Converts this PackageChange to JSON.
             * @function toJSON
             * @memberof umbra.v1.PackageChange
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PackageChange.prototype.toJSON = function() {
                return PackageChange.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PackageChange;
        })();

        v1.DiskChange = (function() {

            /**
             * Properties of a DiskChange.
             * @typedef {Object} umbra.v1.DiskChange.$Properties
             * @property {string|null} [disk] DiskChange disk
             * @property {Long|null} [sizeBytes] DiskChange sizeBytes
             * @property {umbra.v1.CaptureMode|null} [mode] DiskChange mode
             * @property {string|null} [reason] DiskChange reason
             * @property {Long|null} [dirtyBytes] DiskChange dirtyBytes
             * @property {Long|null} [readBytes] DiskChange readBytes
             * @property {Long|null} [changedBytes] DiskChange changedBytes
             * @property {Long|null} [newZeroBlocks] DiskChange newZeroBlocks
             * @property {number|null} [entropyBefore] DiskChange entropyBefore
             * @property {number|null} [entropyAfter] DiskChange entropyAfter
             * @property {umbra.v1.Attribution.$Properties|null} [attribution] DiskChange attribution
             * @property {Array.<umbra.v1.Volume.$Properties>|null} [volumes] DiskChange volumes
             * @property {Array.<string>|null} [problems] DiskChange problems
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a DiskChange.
             * @memberof umbra.v1
             * @interface IDiskChange
             * @augments umbra.v1.DiskChange.$Properties
             * @deprecated Use umbra.v1.DiskChange.$Properties instead.
             */

            /**
             * Shape of a DiskChange.
             * @typedef {umbra.v1.DiskChange.$Properties} umbra.v1.DiskChange.$Shape
             */

            /**
             * Constructs a new DiskChange.
             * @memberof umbra.v1
             * @classdesc Represents a DiskChange.
             * @constructor
             * @param {umbra.v1.DiskChange.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const DiskChange = function (properties) {
                this.volumes = [];
                this.problems = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * DiskChange disk.
             * @member {string} disk
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.disk = "";

            /**
             * DiskChange sizeBytes.
             * @member {Long} sizeBytes
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.sizeBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * DiskChange mode.
             * @member {umbra.v1.CaptureMode} mode
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.mode = 0;

            /**
             * DiskChange reason.
             * @member {string} reason
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.reason = "";

            /**
             * DiskChange dirtyBytes.
             * @member {Long} dirtyBytes
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.dirtyBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * DiskChange readBytes.
             * @member {Long} readBytes
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.readBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * DiskChange changedBytes.
             * @member {Long} changedBytes
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.changedBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * DiskChange newZeroBlocks.
             * @member {Long} newZeroBlocks
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.newZeroBlocks = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * DiskChange entropyBefore.
             * @member {number} entropyBefore
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.entropyBefore = 0;

            /**
             * DiskChange entropyAfter.
             * @member {number} entropyAfter
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.entropyAfter = 0;

            /**
             * DiskChange attribution.
             * @member {umbra.v1.Attribution.$Properties|null|undefined} attribution
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.attribution = null;

            /**
             * DiskChange volumes.
             * @member {Array.<umbra.v1.Volume.$Properties>} volumes
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.volumes = $util.emptyArray;

            /**
             * DiskChange problems.
             * @member {Array.<string>} problems
             * @memberof umbra.v1.DiskChange
             * @instance
             */
            DiskChange.prototype.problems = $util.emptyArray;

            /**
             * Creates a new DiskChange instance using the specified properties.
             * @function create
             * @memberof umbra.v1.DiskChange
             * @static
             * @param {umbra.v1.DiskChange.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.DiskChange} DiskChange instance
             * @type {{
             *   (properties: umbra.v1.DiskChange.$Shape): umbra.v1.DiskChange & umbra.v1.DiskChange.$Shape;
             *   (properties?: umbra.v1.DiskChange.$Properties): umbra.v1.DiskChange;
             * }}
             */
            DiskChange.create = function(properties) {
                return new DiskChange(properties);
            };

            /**
             * Encodes the specified DiskChange message. Does not implicitly {@link umbra.v1.DiskChange.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.DiskChange
             * @static
             * @param {umbra.v1.DiskChange.$Properties} message DiskChange message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            DiskChange.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk") && message.disk !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.disk);
                if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes") && (typeof message.sizeBytes === "object" ? message.sizeBytes.low || message.sizeBytes.high : message.sizeBytes !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.sizeBytes);
                if (message.mode != null && $Object.hasOwnProperty.call(message, "mode") && message.mode !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).int32(message.mode);
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason") && message.reason !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.reason);
                if (message.dirtyBytes != null && $Object.hasOwnProperty.call(message, "dirtyBytes") && (typeof message.dirtyBytes === "object" ? message.dirtyBytes.low || message.dirtyBytes.high : message.dirtyBytes !== 0))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.dirtyBytes);
                if (message.readBytes != null && $Object.hasOwnProperty.call(message, "readBytes") && (typeof message.readBytes === "object" ? message.readBytes.low || message.readBytes.high : message.readBytes !== 0))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.readBytes);
                if (message.changedBytes != null && $Object.hasOwnProperty.call(message, "changedBytes") && (typeof message.changedBytes === "object" ? message.changedBytes.low || message.changedBytes.high : message.changedBytes !== 0))
                    writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.changedBytes);
                if (message.newZeroBlocks != null && $Object.hasOwnProperty.call(message, "newZeroBlocks") && (typeof message.newZeroBlocks === "object" ? message.newZeroBlocks.low || message.newZeroBlocks.high : message.newZeroBlocks !== 0))
                    writer.uint32(/* id 8, wireType 0 =*/64).uint64(message.newZeroBlocks);
                if (message.entropyBefore != null && $Object.hasOwnProperty.call(message, "entropyBefore") && !$Object.is(message.entropyBefore, 0))
                    writer.uint32(/* id 9, wireType 1 =*/73).double(message.entropyBefore);
                if (message.entropyAfter != null && $Object.hasOwnProperty.call(message, "entropyAfter") && !$Object.is(message.entropyAfter, 0))
                    writer.uint32(/* id 10, wireType 1 =*/81).double(message.entropyAfter);
                if (message.attribution != null && $Object.hasOwnProperty.call(message, "attribution"))
                    $root.umbra.v1.Attribution.encode(message.attribution, writer.uint32(/* id 11, wireType 2 =*/90).fork(), _depth + 1).ldelim();
                if (message.volumes != null && message.volumes.length)
                    for (let i = 0; i < message.volumes.length; ++i)
                        $root.umbra.v1.Volume.encode(message.volumes[i], writer.uint32(/* id 12, wireType 2 =*/98).fork(), _depth + 1).ldelim();
                if (message.problems != null && message.problems.length)
                    for (let i = 0; i < message.problems.length; ++i)
                        writer.uint32(/* id 13, wireType 2 =*/106).string(message.problems[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a DiskChange message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.DiskChange
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.DiskChange & umbra.v1.DiskChange.$Shape} DiskChange
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            DiskChange.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.DiskChange();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.disk = value;
                            else
                                delete message.disk;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sizeBytes = value;
                            else
                                delete message.sizeBytes;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.mode = value;
                            else
                                delete message.mode;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.reason = value;
                            else
                                delete message.reason;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.dirtyBytes = value;
                            else
                                delete message.dirtyBytes;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.readBytes = value;
                            else
                                delete message.readBytes;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.changedBytes = value;
                            else
                                delete message.changedBytes;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.newZeroBlocks = value;
                            else
                                delete message.newZeroBlocks;
                            continue;
                        }
                    case 9: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.entropyBefore = value;
                            else
                                delete message.entropyBefore;
                            continue;
                        }
                    case 10: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.entropyAfter = value;
                            else
                                delete message.entropyAfter;
                            continue;
                        }
                    case 11: {
                            if (wireType !== 2)
                                break;
                            message.attribution = $root.umbra.v1.Attribution.decode(reader, reader.size(), $undefined, _depth + 1, message.attribution);
                            continue;
                        }
                    case 12: {
                            if (wireType !== 2)
                                break;
                            if (!(message.volumes && message.volumes.length))
                                message.volumes = [];
                            message.volumes.push($root.umbra.v1.Volume.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 13: {
                            if (wireType !== 2)
                                break;
                            if (!(message.problems && message.problems.length))
                                message.problems = [];
                            message.problems.push(reader.stringVerify());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a DiskChange message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.DiskChange
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.DiskChange} DiskChange
             */
            DiskChange.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.DiskChange)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.DiskChange: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.DiskChange();
                if (object.disk != null)
                    if (typeof object.disk !== "string" || object.disk.length)
                        message.disk = $String(object.disk);
                if (object.sizeBytes != null)
                    if (typeof object.sizeBytes === "object" ? object.sizeBytes.low || object.sizeBytes.high : $Number(object.sizeBytes) !== 0)
                        if ($util.Long)
                            message.sizeBytes = $util.Long.fromValue(object.sizeBytes, true);
                        else if (typeof object.sizeBytes === "string")
                            message.sizeBytes = $parseInt(object.sizeBytes, 10);
                        else if (typeof object.sizeBytes === "number")
                            message.sizeBytes = object.sizeBytes;
                        else if (typeof object.sizeBytes === "object")
                            message.sizeBytes = new $util.LongBits(object.sizeBytes.low >>> 0, object.sizeBytes.high >>> 0).toNumber(true);
                if (object.mode !== 0 && (typeof object.mode !== "string" || $root.umbra.v1.CaptureMode[object.mode] !== 0))
                    switch (object.mode) {
                    case "CAPTURE_MODE_UNKNOWN":
                    case 0:
                        message.mode = 0;
                        break;
                    case "CAPTURE_MODE_FIRST":
                    case 1:
                        message.mode = 1;
                        break;
                    case "CAPTURE_MODE_TRACKED":
                    case 2:
                        message.mode = 2;
                        break;
                    case "CAPTURE_MODE_RESYNC":
                    case 3:
                        message.mode = 3;
                        break;
                    default:
                        if (typeof object.mode === "number" && (object.mode | 0) === object.mode)
                            message.mode = object.mode;
                    }
                if (object.reason != null)
                    if (typeof object.reason !== "string" || object.reason.length)
                        message.reason = $String(object.reason);
                if (object.dirtyBytes != null)
                    if (typeof object.dirtyBytes === "object" ? object.dirtyBytes.low || object.dirtyBytes.high : $Number(object.dirtyBytes) !== 0)
                        if ($util.Long)
                            message.dirtyBytes = $util.Long.fromValue(object.dirtyBytes, true);
                        else if (typeof object.dirtyBytes === "string")
                            message.dirtyBytes = $parseInt(object.dirtyBytes, 10);
                        else if (typeof object.dirtyBytes === "number")
                            message.dirtyBytes = object.dirtyBytes;
                        else if (typeof object.dirtyBytes === "object")
                            message.dirtyBytes = new $util.LongBits(object.dirtyBytes.low >>> 0, object.dirtyBytes.high >>> 0).toNumber(true);
                if (object.readBytes != null)
                    if (typeof object.readBytes === "object" ? object.readBytes.low || object.readBytes.high : $Number(object.readBytes) !== 0)
                        if ($util.Long)
                            message.readBytes = $util.Long.fromValue(object.readBytes, true);
                        else if (typeof object.readBytes === "string")
                            message.readBytes = $parseInt(object.readBytes, 10);
                        else if (typeof object.readBytes === "number")
                            message.readBytes = object.readBytes;
                        else if (typeof object.readBytes === "object")
                            message.readBytes = new $util.LongBits(object.readBytes.low >>> 0, object.readBytes.high >>> 0).toNumber(true);
                if (object.changedBytes != null)
                    if (typeof object.changedBytes === "object" ? object.changedBytes.low || object.changedBytes.high : $Number(object.changedBytes) !== 0)
                        if ($util.Long)
                            message.changedBytes = $util.Long.fromValue(object.changedBytes, true);
                        else if (typeof object.changedBytes === "string")
                            message.changedBytes = $parseInt(object.changedBytes, 10);
                        else if (typeof object.changedBytes === "number")
                            message.changedBytes = object.changedBytes;
                        else if (typeof object.changedBytes === "object")
                            message.changedBytes = new $util.LongBits(object.changedBytes.low >>> 0, object.changedBytes.high >>> 0).toNumber(true);
                if (object.newZeroBlocks != null)
                    if (typeof object.newZeroBlocks === "object" ? object.newZeroBlocks.low || object.newZeroBlocks.high : $Number(object.newZeroBlocks) !== 0)
                        if ($util.Long)
                            message.newZeroBlocks = $util.Long.fromValue(object.newZeroBlocks, true);
                        else if (typeof object.newZeroBlocks === "string")
                            message.newZeroBlocks = $parseInt(object.newZeroBlocks, 10);
                        else if (typeof object.newZeroBlocks === "number")
                            message.newZeroBlocks = object.newZeroBlocks;
                        else if (typeof object.newZeroBlocks === "object")
                            message.newZeroBlocks = new $util.LongBits(object.newZeroBlocks.low >>> 0, object.newZeroBlocks.high >>> 0).toNumber(true);
                if (object.entropyBefore != null)
                    if (!$Object.is($Number(object.entropyBefore), 0))
                        message.entropyBefore = $Number(object.entropyBefore);
                if (object.entropyAfter != null)
                    if (!$Object.is($Number(object.entropyAfter), 0))
                        message.entropyAfter = $Number(object.entropyAfter);
                if (object.attribution != null) {
                    if (!$util.isObject(object.attribution))
                        throw $TypeError(".umbra.v1.DiskChange.attribution: object expected");
                    message.attribution = $root.umbra.v1.Attribution.fromObject(object.attribution, _depth + 1);
                }
                if (object.volumes) {
                    if (!$Array.isArray(object.volumes))
                        throw $TypeError(".umbra.v1.DiskChange.volumes: array expected");
                    message.volumes = $Array(object.volumes.length);
                    for (let i = 0; i < object.volumes.length; ++i) {
                        if (!$util.isObject(object.volumes[i]))
                            throw $TypeError(".umbra.v1.DiskChange.volumes: object expected");
                        message.volumes[i] = $root.umbra.v1.Volume.fromObject(object.volumes[i], _depth + 1);
                    }
                }
                if (object.problems) {
                    if (!$Array.isArray(object.problems))
                        throw $TypeError(".umbra.v1.DiskChange.problems: array expected");
                    message.problems = $Array(object.problems.length);
                    for (let i = 0; i < object.problems.length; ++i)
                        message.problems[i] = $String(object.problems[i]);
                }
                return message;
            };

            /**
             * Creates a plain object from a DiskChange message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.DiskChange
             * @static
             * @param {umbra.v1.DiskChange} message DiskChange
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            DiskChange.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults) {
                    object.volumes = [];
                    object.problems = [];
                }
                if (options.defaults) {
                    object.disk = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sizeBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sizeBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.mode = options.enums === $String ? "CAPTURE_MODE_UNKNOWN" : 0;
                    object.reason = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.dirtyBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.dirtyBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.readBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.readBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.changedBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.changedBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.newZeroBlocks = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.newZeroBlocks = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.entropyBefore = 0;
                    object.entropyAfter = 0;
                    object.attribution = null;
                }
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk"))
                    object.disk = message.disk;
                if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sizeBytes = typeof message.sizeBytes === "number" ? $BigInt(message.sizeBytes) : $util.Long.fromBits(message.sizeBytes.low >>> 0, message.sizeBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.sizeBytes === "number")
                        object.sizeBytes = options.longs === $String ? $String(message.sizeBytes) : message.sizeBytes;
                    else
                        object.sizeBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.sizeBytes) : options.longs === $Number ? new $util.LongBits(message.sizeBytes.low >>> 0, message.sizeBytes.high >>> 0).toNumber(true) : message.sizeBytes;
                if (message.mode != null && $Object.hasOwnProperty.call(message, "mode"))
                    object.mode = options.enums === $String ? $root.umbra.v1.CaptureMode[message.mode] === $undefined ? message.mode : $root.umbra.v1.CaptureMode[message.mode] : message.mode;
                if (message.reason != null && $Object.hasOwnProperty.call(message, "reason"))
                    object.reason = message.reason;
                if (message.dirtyBytes != null && $Object.hasOwnProperty.call(message, "dirtyBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.dirtyBytes = typeof message.dirtyBytes === "number" ? $BigInt(message.dirtyBytes) : $util.Long.fromBits(message.dirtyBytes.low >>> 0, message.dirtyBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.dirtyBytes === "number")
                        object.dirtyBytes = options.longs === $String ? $String(message.dirtyBytes) : message.dirtyBytes;
                    else
                        object.dirtyBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.dirtyBytes) : options.longs === $Number ? new $util.LongBits(message.dirtyBytes.low >>> 0, message.dirtyBytes.high >>> 0).toNumber(true) : message.dirtyBytes;
                if (message.readBytes != null && $Object.hasOwnProperty.call(message, "readBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.readBytes = typeof message.readBytes === "number" ? $BigInt(message.readBytes) : $util.Long.fromBits(message.readBytes.low >>> 0, message.readBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.readBytes === "number")
                        object.readBytes = options.longs === $String ? $String(message.readBytes) : message.readBytes;
                    else
                        object.readBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.readBytes) : options.longs === $Number ? new $util.LongBits(message.readBytes.low >>> 0, message.readBytes.high >>> 0).toNumber(true) : message.readBytes;
                if (message.changedBytes != null && $Object.hasOwnProperty.call(message, "changedBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.changedBytes = typeof message.changedBytes === "number" ? $BigInt(message.changedBytes) : $util.Long.fromBits(message.changedBytes.low >>> 0, message.changedBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.changedBytes === "number")
                        object.changedBytes = options.longs === $String ? $String(message.changedBytes) : message.changedBytes;
                    else
                        object.changedBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.changedBytes) : options.longs === $Number ? new $util.LongBits(message.changedBytes.low >>> 0, message.changedBytes.high >>> 0).toNumber(true) : message.changedBytes;
                if (message.newZeroBlocks != null && $Object.hasOwnProperty.call(message, "newZeroBlocks"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.newZeroBlocks = typeof message.newZeroBlocks === "number" ? $BigInt(message.newZeroBlocks) : $util.Long.fromBits(message.newZeroBlocks.low >>> 0, message.newZeroBlocks.high >>> 0, true).toBigInt();
                    else if (typeof message.newZeroBlocks === "number")
                        object.newZeroBlocks = options.longs === $String ? $String(message.newZeroBlocks) : message.newZeroBlocks;
                    else
                        object.newZeroBlocks = options.longs === $String ? $util.Long.prototype.toString.call(message.newZeroBlocks) : options.longs === $Number ? new $util.LongBits(message.newZeroBlocks.low >>> 0, message.newZeroBlocks.high >>> 0).toNumber(true) : message.newZeroBlocks;
                if (message.entropyBefore != null && $Object.hasOwnProperty.call(message, "entropyBefore"))
                    object.entropyBefore = options.json && !$isFinite(message.entropyBefore) ? $String(message.entropyBefore) : message.entropyBefore;
                if (message.entropyAfter != null && $Object.hasOwnProperty.call(message, "entropyAfter"))
                    object.entropyAfter = options.json && !$isFinite(message.entropyAfter) ? $String(message.entropyAfter) : message.entropyAfter;
                if (message.attribution != null && $Object.hasOwnProperty.call(message, "attribution"))
                    object.attribution = $root.umbra.v1.Attribution.toObject(message.attribution, options, _depth + 1);
                if (message.volumes && message.volumes.length) {
                    object.volumes = $Array(message.volumes.length);
                    for (let j = 0; j < message.volumes.length; ++j)
                        object.volumes[j] = $root.umbra.v1.Volume.toObject(message.volumes[j], options, _depth + 1);
                }
                if (message.problems && message.problems.length) {
                    object.problems = $Array(message.problems.length);
                    for (let j = 0; j < message.problems.length; ++j)
                        object.problems[j] = message.problems[j];
                }
                return object;
            };

            /**
             * Converts this DiskChange to JSON.
             * @function toJSON
             * @memberof umbra.v1.DiskChange
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            DiskChange.prototype.toJSON = function() {
                return DiskChange.toObject(this, $protobuf.util.toJSONOptions);
            };

            return DiskChange;
        })();

        v1.Attribution = (function() {

            /**
             * Properties of an Attribution.
             * @typedef {Object} umbra.v1.Attribution.$Properties
             * @property {Long|null} [total] Attribution total
             * @property {Long|null} [file] Attribution file
             * @property {Long|null} [directory] Attribution directory
             * @property {Long|null} [journal] Attribution journal
             * @property {Long|null} [metadata] Attribution metadata
             * @property {Long|null} [free] Attribution free
             * @property {Long|null} [unknown] Attribution unknown
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an Attribution.
             * @memberof umbra.v1
             * @interface IAttribution
             * @augments umbra.v1.Attribution.$Properties
             * @deprecated Use umbra.v1.Attribution.$Properties instead.
             */

            /**
             * Shape of an Attribution.
             * @typedef {umbra.v1.Attribution.$Properties} umbra.v1.Attribution.$Shape
             */

            /**
             * Constructs a new Attribution.
             * @memberof umbra.v1
             * @classdesc Represents an Attribution.
             * @constructor
             * @param {umbra.v1.Attribution.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Attribution = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Attribution total.
             * @member {Long} total
             * @memberof umbra.v1.Attribution
             * @instance
             */
            Attribution.prototype.total = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Attribution file.
             * @member {Long} file
             * @memberof umbra.v1.Attribution
             * @instance
             */
            Attribution.prototype.file = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Attribution directory.
             * @member {Long} directory
             * @memberof umbra.v1.Attribution
             * @instance
             */
            Attribution.prototype.directory = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Attribution journal.
             * @member {Long} journal
             * @memberof umbra.v1.Attribution
             * @instance
             */
            Attribution.prototype.journal = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Attribution metadata.
             * @member {Long} metadata
             * @memberof umbra.v1.Attribution
             * @instance
             */
            Attribution.prototype.metadata = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Attribution free.
             * @member {Long} free
             * @memberof umbra.v1.Attribution
             * @instance
             */
            Attribution.prototype.free = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Attribution unknown.
             * @member {Long} unknown
             * @memberof umbra.v1.Attribution
             * @instance
             */
            Attribution.prototype.unknown = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new Attribution instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Attribution
             * @static
             * @param {umbra.v1.Attribution.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Attribution} Attribution instance
             * @type {{
             *   (properties: umbra.v1.Attribution.$Shape): umbra.v1.Attribution & umbra.v1.Attribution.$Shape;
             *   (properties?: umbra.v1.Attribution.$Properties): umbra.v1.Attribution;
             * }}
             */
            Attribution.create = function(properties) {
                return new Attribution(properties);
            };

            /**
             * Encodes the specified Attribution message. Does not implicitly {@link umbra.v1.Attribution.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Attribution
             * @static
             * @param {umbra.v1.Attribution.$Properties} message Attribution message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Attribution.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.total != null && $Object.hasOwnProperty.call(message, "total") && (typeof message.total === "object" ? message.total.low || message.total.high : message.total !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.total);
                if (message.file != null && $Object.hasOwnProperty.call(message, "file") && (typeof message.file === "object" ? message.file.low || message.file.high : message.file !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.file);
                if (message.directory != null && $Object.hasOwnProperty.call(message, "directory") && (typeof message.directory === "object" ? message.directory.low || message.directory.high : message.directory !== 0))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.directory);
                if (message.journal != null && $Object.hasOwnProperty.call(message, "journal") && (typeof message.journal === "object" ? message.journal.low || message.journal.high : message.journal !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.journal);
                if (message.metadata != null && $Object.hasOwnProperty.call(message, "metadata") && (typeof message.metadata === "object" ? message.metadata.low || message.metadata.high : message.metadata !== 0))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.metadata);
                if (message.free != null && $Object.hasOwnProperty.call(message, "free") && (typeof message.free === "object" ? message.free.low || message.free.high : message.free !== 0))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.free);
                if (message.unknown != null && $Object.hasOwnProperty.call(message, "unknown") && (typeof message.unknown === "object" ? message.unknown.low || message.unknown.high : message.unknown !== 0))
                    writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.unknown);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an Attribution message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Attribution
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Attribution & umbra.v1.Attribution.$Shape} Attribution
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Attribution.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Attribution();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.total = value;
                            else
                                delete message.total;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.file = value;
                            else
                                delete message.file;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.directory = value;
                            else
                                delete message.directory;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.journal = value;
                            else
                                delete message.journal;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.metadata = value;
                            else
                                delete message.metadata;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.free = value;
                            else
                                delete message.free;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.unknown = value;
                            else
                                delete message.unknown;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates an Attribution message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Attribution
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Attribution} Attribution
             */
            Attribution.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Attribution)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Attribution: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Attribution();
                if (object.total != null)
                    if (typeof object.total === "object" ? object.total.low || object.total.high : $Number(object.total) !== 0)
                        if ($util.Long)
                            message.total = $util.Long.fromValue(object.total, true);
                        else if (typeof object.total === "string")
                            message.total = $parseInt(object.total, 10);
                        else if (typeof object.total === "number")
                            message.total = object.total;
                        else if (typeof object.total === "object")
                            message.total = new $util.LongBits(object.total.low >>> 0, object.total.high >>> 0).toNumber(true);
                if (object.file != null)
                    if (typeof object.file === "object" ? object.file.low || object.file.high : $Number(object.file) !== 0)
                        if ($util.Long)
                            message.file = $util.Long.fromValue(object.file, true);
                        else if (typeof object.file === "string")
                            message.file = $parseInt(object.file, 10);
                        else if (typeof object.file === "number")
                            message.file = object.file;
                        else if (typeof object.file === "object")
                            message.file = new $util.LongBits(object.file.low >>> 0, object.file.high >>> 0).toNumber(true);
                if (object.directory != null)
                    if (typeof object.directory === "object" ? object.directory.low || object.directory.high : $Number(object.directory) !== 0)
                        if ($util.Long)
                            message.directory = $util.Long.fromValue(object.directory, true);
                        else if (typeof object.directory === "string")
                            message.directory = $parseInt(object.directory, 10);
                        else if (typeof object.directory === "number")
                            message.directory = object.directory;
                        else if (typeof object.directory === "object")
                            message.directory = new $util.LongBits(object.directory.low >>> 0, object.directory.high >>> 0).toNumber(true);
                if (object.journal != null)
                    if (typeof object.journal === "object" ? object.journal.low || object.journal.high : $Number(object.journal) !== 0)
                        if ($util.Long)
                            message.journal = $util.Long.fromValue(object.journal, true);
                        else if (typeof object.journal === "string")
                            message.journal = $parseInt(object.journal, 10);
                        else if (typeof object.journal === "number")
                            message.journal = object.journal;
                        else if (typeof object.journal === "object")
                            message.journal = new $util.LongBits(object.journal.low >>> 0, object.journal.high >>> 0).toNumber(true);
                if (object.metadata != null)
                    if (typeof object.metadata === "object" ? object.metadata.low || object.metadata.high : $Number(object.metadata) !== 0)
                        if ($util.Long)
                            message.metadata = $util.Long.fromValue(object.metadata, true);
                        else if (typeof object.metadata === "string")
                            message.metadata = $parseInt(object.metadata, 10);
                        else if (typeof object.metadata === "number")
                            message.metadata = object.metadata;
                        else if (typeof object.metadata === "object")
                            message.metadata = new $util.LongBits(object.metadata.low >>> 0, object.metadata.high >>> 0).toNumber(true);
                if (object.free != null)
                    if (typeof object.free === "object" ? object.free.low || object.free.high : $Number(object.free) !== 0)
                        if ($util.Long)
                            message.free = $util.Long.fromValue(object.free, true);
                        else if (typeof object.free === "string")
                            message.free = $parseInt(object.free, 10);
                        else if (typeof object.free === "number")
                            message.free = object.free;
                        else if (typeof object.free === "object")
                            message.free = new $util.LongBits(object.free.low >>> 0, object.free.high >>> 0).toNumber(true);
                if (object.unknown != null)
                    if (typeof object.unknown === "object" ? object.unknown.low || object.unknown.high : $Number(object.unknown) !== 0)
                        if ($util.Long)
                            message.unknown = $util.Long.fromValue(object.unknown, true);
                        else if (typeof object.unknown === "string")
                            message.unknown = $parseInt(object.unknown, 10);
                        else if (typeof object.unknown === "number")
                            message.unknown = object.unknown;
                        else if (typeof object.unknown === "object")
                            message.unknown = new $util.LongBits(object.unknown.low >>> 0, object.unknown.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from an Attribution message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Attribution
             * @static
             * @param {umbra.v1.Attribution} message Attribution
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Attribution.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.total = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.total = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.file = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.file = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.directory = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.directory = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.journal = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.journal = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.metadata = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.metadata = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.free = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.free = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.unknown = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.unknown = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.total != null && $Object.hasOwnProperty.call(message, "total"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.total = typeof message.total === "number" ? $BigInt(message.total) : $util.Long.fromBits(message.total.low >>> 0, message.total.high >>> 0, true).toBigInt();
                    else if (typeof message.total === "number")
                        object.total = options.longs === $String ? $String(message.total) : message.total;
                    else
                        object.total = options.longs === $String ? $util.Long.prototype.toString.call(message.total) : options.longs === $Number ? new $util.LongBits(message.total.low >>> 0, message.total.high >>> 0).toNumber(true) : message.total;
                if (message.file != null && $Object.hasOwnProperty.call(message, "file"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.file = typeof message.file === "number" ? $BigInt(message.file) : $util.Long.fromBits(message.file.low >>> 0, message.file.high >>> 0, true).toBigInt();
                    else if (typeof message.file === "number")
                        object.file = options.longs === $String ? $String(message.file) : message.file;
                    else
                        object.file = options.longs === $String ? $util.Long.prototype.toString.call(message.file) : options.longs === $Number ? new $util.LongBits(message.file.low >>> 0, message.file.high >>> 0).toNumber(true) : message.file;
                if (message.directory != null && $Object.hasOwnProperty.call(message, "directory"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.directory = typeof message.directory === "number" ? $BigInt(message.directory) : $util.Long.fromBits(message.directory.low >>> 0, message.directory.high >>> 0, true).toBigInt();
                    else if (typeof message.directory === "number")
                        object.directory = options.longs === $String ? $String(message.directory) : message.directory;
                    else
                        object.directory = options.longs === $String ? $util.Long.prototype.toString.call(message.directory) : options.longs === $Number ? new $util.LongBits(message.directory.low >>> 0, message.directory.high >>> 0).toNumber(true) : message.directory;
                if (message.journal != null && $Object.hasOwnProperty.call(message, "journal"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.journal = typeof message.journal === "number" ? $BigInt(message.journal) : $util.Long.fromBits(message.journal.low >>> 0, message.journal.high >>> 0, true).toBigInt();
                    else if (typeof message.journal === "number")
                        object.journal = options.longs === $String ? $String(message.journal) : message.journal;
                    else
                        object.journal = options.longs === $String ? $util.Long.prototype.toString.call(message.journal) : options.longs === $Number ? new $util.LongBits(message.journal.low >>> 0, message.journal.high >>> 0).toNumber(true) : message.journal;
                if (message.metadata != null && $Object.hasOwnProperty.call(message, "metadata"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.metadata = typeof message.metadata === "number" ? $BigInt(message.metadata) : $util.Long.fromBits(message.metadata.low >>> 0, message.metadata.high >>> 0, true).toBigInt();
                    else if (typeof message.metadata === "number")
                        object.metadata = options.longs === $String ? $String(message.metadata) : message.metadata;
                    else
                        object.metadata = options.longs === $String ? $util.Long.prototype.toString.call(message.metadata) : options.longs === $Number ? new $util.LongBits(message.metadata.low >>> 0, message.metadata.high >>> 0).toNumber(true) : message.metadata;
                if (message.free != null && $Object.hasOwnProperty.call(message, "free"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.free = typeof message.free === "number" ? $BigInt(message.free) : $util.Long.fromBits(message.free.low >>> 0, message.free.high >>> 0, true).toBigInt();
                    else if (typeof message.free === "number")
                        object.free = options.longs === $String ? $String(message.free) : message.free;
                    else
                        object.free = options.longs === $String ? $util.Long.prototype.toString.call(message.free) : options.longs === $Number ? new $util.LongBits(message.free.low >>> 0, message.free.high >>> 0).toNumber(true) : message.free;
                if (message.unknown != null && $Object.hasOwnProperty.call(message, "unknown"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.unknown = typeof message.unknown === "number" ? $BigInt(message.unknown) : $util.Long.fromBits(message.unknown.low >>> 0, message.unknown.high >>> 0, true).toBigInt();
                    else if (typeof message.unknown === "number")
                        object.unknown = options.longs === $String ? $String(message.unknown) : message.unknown;
                    else
                        object.unknown = options.longs === $String ? $util.Long.prototype.toString.call(message.unknown) : options.longs === $Number ? new $util.LongBits(message.unknown.low >>> 0, message.unknown.high >>> 0).toNumber(true) : message.unknown;
                return object;
            };

            /**
             * Converts this Attribution to JSON.
             * @function toJSON
             * @memberof umbra.v1.Attribution
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Attribution.prototype.toJSON = function() {
                return Attribution.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Attribution;
        })();

        v1.Volume = (function() {

            /**
             * Properties of a Volume.
             * @typedef {Object} umbra.v1.Volume.$Properties
             * @property {string|null} [id] Volume id
             * @property {Long|null} [offset] Volume offset
             * @property {Long|null} [length] Volume length
             * @property {string|null} [kind] Volume kind
             * @property {string|null} [label] Volume label
             * @property {Long|null} [files] Volume files
             * @property {Long|null} [usedBytes] Volume usedBytes
             * @property {Long|null} [freeBytes] Volume freeBytes
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a Volume.
             * @memberof umbra.v1
             * @interface IVolume
             * @augments umbra.v1.Volume.$Properties
             * @deprecated Use umbra.v1.Volume.$Properties instead.
             */

            /**
             * Shape of a Volume.
             * @typedef {umbra.v1.Volume.$Properties} umbra.v1.Volume.$Shape
             */

            /**
             * Constructs a new Volume.
             * @memberof umbra.v1
             * @classdesc Represents a Volume.
             * @constructor
             * @param {umbra.v1.Volume.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Volume = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Volume id.
             * @member {string} id
             * @memberof umbra.v1.Volume
             * @instance
             */
            Volume.prototype.id = "";

            /**
             * Volume offset.
             * @member {Long} offset
             * @memberof umbra.v1.Volume
             * @instance
             */
            Volume.prototype.offset = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Volume length.
             * @member {Long} length
             * @memberof umbra.v1.Volume
             * @instance
             */
            Volume.prototype.length = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Volume kind.
             * @member {string} kind
             * @memberof umbra.v1.Volume
             * @instance
             */
            Volume.prototype.kind = "";

            /**
             * Volume label.
             * @member {string} label
             * @memberof umbra.v1.Volume
             * @instance
             */
            Volume.prototype.label = "";

            /**
             * Volume files.
             * @member {Long} files
             * @memberof umbra.v1.Volume
             * @instance
             */
            Volume.prototype.files = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Volume usedBytes.
             * @member {Long} usedBytes
             * @memberof umbra.v1.Volume
             * @instance
             */
            Volume.prototype.usedBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Volume freeBytes.
             * @member {Long} freeBytes
             * @memberof umbra.v1.Volume
             * @instance
             */
            Volume.prototype.freeBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new Volume instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Volume
             * @static
             * @param {umbra.v1.Volume.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Volume} Volume instance
             * @type {{
             *   (properties: umbra.v1.Volume.$Shape): umbra.v1.Volume & umbra.v1.Volume.$Shape;
             *   (properties?: umbra.v1.Volume.$Properties): umbra.v1.Volume;
             * }}
             */
            Volume.create = function(properties) {
                return new Volume(properties);
            };

            /**
             * Encodes the specified Volume message. Does not implicitly {@link umbra.v1.Volume.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Volume
             * @static
             * @param {umbra.v1.Volume.$Properties} message Volume message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Volume.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.id != null && $Object.hasOwnProperty.call(message, "id") && message.id !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.id);
                if (message.offset != null && $Object.hasOwnProperty.call(message, "offset") && (typeof message.offset === "object" ? message.offset.low || message.offset.high : message.offset !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.offset);
                if (message.length != null && $Object.hasOwnProperty.call(message, "length") && (typeof message.length === "object" ? message.length.low || message.length.high : message.length !== 0))
                    writer.uint32(/* id 3, wireType 0 =*/24).uint64(message.length);
                if (message.kind != null && $Object.hasOwnProperty.call(message, "kind") && message.kind !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.kind);
                if (message.label != null && $Object.hasOwnProperty.call(message, "label") && message.label !== "")
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.label);
                if (message.files != null && $Object.hasOwnProperty.call(message, "files") && (typeof message.files === "object" ? message.files.low || message.files.high : message.files !== 0))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.files);
                if (message.usedBytes != null && $Object.hasOwnProperty.call(message, "usedBytes") && (typeof message.usedBytes === "object" ? message.usedBytes.low || message.usedBytes.high : message.usedBytes !== 0))
                    writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.usedBytes);
                if (message.freeBytes != null && $Object.hasOwnProperty.call(message, "freeBytes") && (typeof message.freeBytes === "object" ? message.freeBytes.low || message.freeBytes.high : message.freeBytes !== 0))
                    writer.uint32(/* id 8, wireType 0 =*/64).uint64(message.freeBytes);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a Volume message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Volume
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Volume & umbra.v1.Volume.$Shape} Volume
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Volume.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Volume();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.id = value;
                            else
                                delete message.id;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.offset = value;
                            else
                                delete message.offset;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.length = value;
                            else
                                delete message.length;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.kind = value;
                            else
                                delete message.kind;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.label = value;
                            else
                                delete message.label;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.files = value;
                            else
                                delete message.files;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.usedBytes = value;
                            else
                                delete message.usedBytes;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.freeBytes = value;
                            else
                                delete message.freeBytes;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a Volume message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Volume
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Volume} Volume
             */
            Volume.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Volume)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Volume: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Volume();
                if (object.id != null)
                    if (typeof object.id !== "string" || object.id.length)
                        message.id = $String(object.id);
                if (object.offset != null)
                    if (typeof object.offset === "object" ? object.offset.low || object.offset.high : $Number(object.offset) !== 0)
                        if ($util.Long)
                            message.offset = $util.Long.fromValue(object.offset, true);
                        else if (typeof object.offset === "string")
                            message.offset = $parseInt(object.offset, 10);
                        else if (typeof object.offset === "number")
                            message.offset = object.offset;
                        else if (typeof object.offset === "object")
                            message.offset = new $util.LongBits(object.offset.low >>> 0, object.offset.high >>> 0).toNumber(true);
                if (object.length != null)
                    if (typeof object.length === "object" ? object.length.low || object.length.high : $Number(object.length) !== 0)
                        if ($util.Long)
                            message.length = $util.Long.fromValue(object.length, true);
                        else if (typeof object.length === "string")
                            message.length = $parseInt(object.length, 10);
                        else if (typeof object.length === "number")
                            message.length = object.length;
                        else if (typeof object.length === "object")
                            message.length = new $util.LongBits(object.length.low >>> 0, object.length.high >>> 0).toNumber(true);
                if (object.kind != null)
                    if (typeof object.kind !== "string" || object.kind.length)
                        message.kind = $String(object.kind);
                if (object.label != null)
                    if (typeof object.label !== "string" || object.label.length)
                        message.label = $String(object.label);
                if (object.files != null)
                    if (typeof object.files === "object" ? object.files.low || object.files.high : $Number(object.files) !== 0)
                        if ($util.Long)
                            message.files = $util.Long.fromValue(object.files, true);
                        else if (typeof object.files === "string")
                            message.files = $parseInt(object.files, 10);
                        else if (typeof object.files === "number")
                            message.files = object.files;
                        else if (typeof object.files === "object")
                            message.files = new $util.LongBits(object.files.low >>> 0, object.files.high >>> 0).toNumber(true);
                if (object.usedBytes != null)
                    if (typeof object.usedBytes === "object" ? object.usedBytes.low || object.usedBytes.high : $Number(object.usedBytes) !== 0)
                        if ($util.Long)
                            message.usedBytes = $util.Long.fromValue(object.usedBytes, true);
                        else if (typeof object.usedBytes === "string")
                            message.usedBytes = $parseInt(object.usedBytes, 10);
                        else if (typeof object.usedBytes === "number")
                            message.usedBytes = object.usedBytes;
                        else if (typeof object.usedBytes === "object")
                            message.usedBytes = new $util.LongBits(object.usedBytes.low >>> 0, object.usedBytes.high >>> 0).toNumber(true);
                if (object.freeBytes != null)
                    if (typeof object.freeBytes === "object" ? object.freeBytes.low || object.freeBytes.high : $Number(object.freeBytes) !== 0)
                        if ($util.Long)
                            message.freeBytes = $util.Long.fromValue(object.freeBytes, true);
                        else if (typeof object.freeBytes === "string")
                            message.freeBytes = $parseInt(object.freeBytes, 10);
                        else if (typeof object.freeBytes === "number")
                            message.freeBytes = object.freeBytes;
                        else if (typeof object.freeBytes === "object")
                            message.freeBytes = new $util.LongBits(object.freeBytes.low >>> 0, object.freeBytes.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from a Volume message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Volume
             * @static
             * @param {umbra.v1.Volume} message Volume
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Volume.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.id = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.offset = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.offset = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.length = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.length = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.kind = "";
                    object.label = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.files = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.files = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.usedBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.usedBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.freeBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.freeBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.id != null && $Object.hasOwnProperty.call(message, "id"))
                    object.id = message.id;
                if (message.offset != null && $Object.hasOwnProperty.call(message, "offset"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.offset = typeof message.offset === "number" ? $BigInt(message.offset) : $util.Long.fromBits(message.offset.low >>> 0, message.offset.high >>> 0, true).toBigInt();
                    else if (typeof message.offset === "number")
                        object.offset = options.longs === $String ? $String(message.offset) : message.offset;
                    else
                        object.offset = options.longs === $String ? $util.Long.prototype.toString.call(message.offset) : options.longs === $Number ? new $util.LongBits(message.offset.low >>> 0, message.offset.high >>> 0).toNumber(true) : message.offset;
                if (message.length != null && $Object.hasOwnProperty.call(message, "length"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.length = typeof message.length === "number" ? $BigInt(message.length) : $util.Long.fromBits(message.length.low >>> 0, message.length.high >>> 0, true).toBigInt();
                    else if (typeof message.length === "number")
                        object.length = options.longs === $String ? $String(message.length) : message.length;
                    else
                        object.length = options.longs === $String ? $util.Long.prototype.toString.call(message.length) : options.longs === $Number ? new $util.LongBits(message.length.low >>> 0, message.length.high >>> 0).toNumber(true) : message.length;
                if (message.kind != null && $Object.hasOwnProperty.call(message, "kind"))
                    object.kind = message.kind;
                if (message.label != null && $Object.hasOwnProperty.call(message, "label"))
                    object.label = message.label;
                if (message.files != null && $Object.hasOwnProperty.call(message, "files"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.files = typeof message.files === "number" ? $BigInt(message.files) : $util.Long.fromBits(message.files.low >>> 0, message.files.high >>> 0, true).toBigInt();
                    else if (typeof message.files === "number")
                        object.files = options.longs === $String ? $String(message.files) : message.files;
                    else
                        object.files = options.longs === $String ? $util.Long.prototype.toString.call(message.files) : options.longs === $Number ? new $util.LongBits(message.files.low >>> 0, message.files.high >>> 0).toNumber(true) : message.files;
                if (message.usedBytes != null && $Object.hasOwnProperty.call(message, "usedBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.usedBytes = typeof message.usedBytes === "number" ? $BigInt(message.usedBytes) : $util.Long.fromBits(message.usedBytes.low >>> 0, message.usedBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.usedBytes === "number")
                        object.usedBytes = options.longs === $String ? $String(message.usedBytes) : message.usedBytes;
                    else
                        object.usedBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.usedBytes) : options.longs === $Number ? new $util.LongBits(message.usedBytes.low >>> 0, message.usedBytes.high >>> 0).toNumber(true) : message.usedBytes;
                if (message.freeBytes != null && $Object.hasOwnProperty.call(message, "freeBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.freeBytes = typeof message.freeBytes === "number" ? $BigInt(message.freeBytes) : $util.Long.fromBits(message.freeBytes.low >>> 0, message.freeBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.freeBytes === "number")
                        object.freeBytes = options.longs === $String ? $String(message.freeBytes) : message.freeBytes;
                    else
                        object.freeBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.freeBytes) : options.longs === $Number ? new $util.LongBits(message.freeBytes.low >>> 0, message.freeBytes.high >>> 0).toNumber(true) : message.freeBytes;
                return object;
            };

            /**
             * Converts this Volume to JSON.
             * @function toJSON
             * @memberof umbra.v1.Volume
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Volume.prototype.toJSON = function() {
                return Volume.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Volume;
        })();

        v1.BlockRun = (function() {

            /**
             * Properties of a BlockRun.
             * @typedef {Object} umbra.v1.BlockRun.$Properties
             * @property {string|null} [disk] BlockRun disk
             * @property {Long|null} [firstBlock] BlockRun firstBlock
             * @property {Uint8Array|null} [names] BlockRun names
             * @property {Uint8Array|null} [entropy] BlockRun entropy
             * @property {umbra.v1.StatePartKind|null} [part] BlockRun part
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a BlockRun.
             * @memberof umbra.v1
             * @interface IBlockRun
             * @augments umbra.v1.BlockRun.$Properties
             * @deprecated Use umbra.v1.BlockRun.$Properties instead.
             */

            /**
             * Shape of a BlockRun.
             * @typedef {umbra.v1.BlockRun.$Properties} umbra.v1.BlockRun.$Shape
             */

            /**
             * Constructs a new BlockRun.
             * @memberof umbra.v1
             * @classdesc Represents a BlockRun.
             * @constructor
             * @param {umbra.v1.BlockRun.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const BlockRun = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * BlockRun disk.
             * @member {string} disk
             * @memberof umbra.v1.BlockRun
             * @instance
             */
            BlockRun.prototype.disk = "";

            /**
             * BlockRun firstBlock.
             * @member {Long} firstBlock
             * @memberof umbra.v1.BlockRun
             * @instance
             */
            BlockRun.prototype.firstBlock = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * BlockRun names.
             * @member {Uint8Array} names
             * @memberof umbra.v1.BlockRun
             * @instance
             */
            BlockRun.prototype.names = $util.newBuffer([]);

            /**
             * BlockRun entropy.
             * @member {Uint8Array} entropy
             * @memberof umbra.v1.BlockRun
             * @instance
             */
            BlockRun.prototype.entropy = $util.newBuffer([]);

            /**
             * BlockRun part.
             * @member {umbra.v1.StatePartKind} part
             * @memberof umbra.v1.BlockRun
             * @instance
             */
            BlockRun.prototype.part = 0;

            /**
             * Creates a new BlockRun instance using the specified properties.
             * @function create
             * @memberof umbra.v1.BlockRun
             * @static
             * @param {umbra.v1.BlockRun.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.BlockRun} BlockRun instance
             * @type {{
             *   (properties: umbra.v1.BlockRun.$Shape): umbra.v1.BlockRun & umbra.v1.BlockRun.$Shape;
             *   (properties?: umbra.v1.BlockRun.$Properties): umbra.v1.BlockRun;
             * }}
             */
            BlockRun.create = function(properties) {
                return new BlockRun(properties);
            };

            /**
             * Encodes the specified BlockRun message. Does not implicitly {@link umbra.v1.BlockRun.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.BlockRun
             * @static
             * @param {umbra.v1.BlockRun.$Properties} message BlockRun message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            BlockRun.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk") && message.disk !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.disk);
                if (message.firstBlock != null && $Object.hasOwnProperty.call(message, "firstBlock") && (typeof message.firstBlock === "object" ? message.firstBlock.low || message.firstBlock.high : message.firstBlock !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.firstBlock);
                if (message.names != null && $Object.hasOwnProperty.call(message, "names") && message.names.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.names);
                if (message.entropy != null && $Object.hasOwnProperty.call(message, "entropy") && message.entropy.length)
                    writer.uint32(/* id 4, wireType 2 =*/34).bytes(message.entropy);
                if (message.part != null && $Object.hasOwnProperty.call(message, "part") && message.part !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).int32(message.part);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a BlockRun message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.BlockRun
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.BlockRun & umbra.v1.BlockRun.$Shape} BlockRun
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            BlockRun.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.BlockRun();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.disk = value;
                            else
                                delete message.disk;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.firstBlock = value;
                            else
                                delete message.firstBlock;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.names = value;
                            else
                                delete message.names;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.entropy = value;
                            else
                                delete message.entropy;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.part = value;
                            else
                                delete message.part;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a BlockRun message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.BlockRun
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.BlockRun} BlockRun
             */
            BlockRun.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.BlockRun)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.BlockRun: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.BlockRun();
                if (object.disk != null)
                    if (typeof object.disk !== "string" || object.disk.length)
                        message.disk = $String(object.disk);
                if (object.firstBlock != null)
                    if (typeof object.firstBlock === "object" ? object.firstBlock.low || object.firstBlock.high : $Number(object.firstBlock) !== 0)
                        if ($util.Long)
                            message.firstBlock = $util.Long.fromValue(object.firstBlock, true);
                        else if (typeof object.firstBlock === "string")
                            message.firstBlock = $parseInt(object.firstBlock, 10);
                        else if (typeof object.firstBlock === "number")
                            message.firstBlock = object.firstBlock;
                        else if (typeof object.firstBlock === "object")
                            message.firstBlock = new $util.LongBits(object.firstBlock.low >>> 0, object.firstBlock.high >>> 0).toNumber(true);
                if (object.names != null)
                    if (object.names.length)
                        if (typeof object.names === "string")
                            $util.base64.decode(object.names, message.names = $util.newBuffer($util.base64.length(object.names)), 0);
                        else if (object.names.length >= 0)
                            message.names = object.names;
                if (object.entropy != null)
                    if (object.entropy.length)
                        if (typeof object.entropy === "string")
                            $util.base64.decode(object.entropy, message.entropy = $util.newBuffer($util.base64.length(object.entropy)), 0);
                        else if (object.entropy.length >= 0)
                            message.entropy = object.entropy;
                if (object.part !== 0 && (typeof object.part !== "string" || $root.umbra.v1.StatePartKind[object.part] !== 0))
                    switch (object.part) {
                    case "STATE_PART_NONE":
                    case 0:
                        message.part = 0;
                        break;
                    case "STATE_PART_RAM":
                    case 1:
                        message.part = 1;
                        break;
                    case "STATE_PART_DEVICES":
                    case 2:
                        message.part = 2;
                        break;
                    case "STATE_PART_CONFIGURATION":
                    case 3:
                        message.part = 3;
                        break;
                    default:
                        if (typeof object.part === "number" && (object.part | 0) === object.part)
                            message.part = object.part;
                    }
                return message;
            };

            /**
             * Creates a plain object from a BlockRun message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.BlockRun
             * @static
             * @param {umbra.v1.BlockRun} message BlockRun
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            BlockRun.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.disk = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.firstBlock = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.firstBlock = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if (options.bytes === $String)
                        object.names = "";
                    else {
                        object.names = [];
                        if (options.bytes !== $Array)
                            object.names = $util.newBuffer(object.names);
                    }
                    if (options.bytes === $String)
                        object.entropy = "";
                    else {
                        object.entropy = [];
                        if (options.bytes !== $Array)
                            object.entropy = $util.newBuffer(object.entropy);
                    }
                    object.part = options.enums === $String ? "STATE_PART_NONE" : 0;
                }
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk"))
                    object.disk = message.disk;
                if (message.firstBlock != null && $Object.hasOwnProperty.call(message, "firstBlock"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.firstBlock = typeof message.firstBlock === "number" ? $BigInt(message.firstBlock) : $util.Long.fromBits(message.firstBlock.low >>> 0, message.firstBlock.high >>> 0, true).toBigInt();
                    else if (typeof message.firstBlock === "number")
                        object.firstBlock = options.longs === $String ? $String(message.firstBlock) : message.firstBlock;
                    else
                        object.firstBlock = options.longs === $String ? $util.Long.prototype.toString.call(message.firstBlock) : options.longs === $Number ? new $util.LongBits(message.firstBlock.low >>> 0, message.firstBlock.high >>> 0).toNumber(true) : message.firstBlock;
                if (message.names != null && $Object.hasOwnProperty.call(message, "names"))
                    object.names = options.bytes === $String ? $util.base64.encode(message.names, 0, message.names.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.names) : message.names;
                if (message.entropy != null && $Object.hasOwnProperty.call(message, "entropy"))
                    object.entropy = options.bytes === $String ? $util.base64.encode(message.entropy, 0, message.entropy.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.entropy) : message.entropy;
                if (message.part != null && $Object.hasOwnProperty.call(message, "part"))
                    object.part = options.enums === $String ? $root.umbra.v1.StatePartKind[message.part] === $undefined ? message.part : $root.umbra.v1.StatePartKind[message.part] : message.part;
                return object;
            };

            /**
             * Converts this BlockRun to JSON.
             * @function toJSON
             * @memberof umbra.v1.BlockRun
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            BlockRun.prototype.toJSON = function() {
                return BlockRun.toObject(this, $protobuf.util.toJSONOptions);
            };

            return BlockRun;
        })();

        /**
         * FileChangeKind enum.
         * @name umbra.v1.FileChangeKind
         * @enum {number}
         * @property {number} FILE_CHANGE_UNKNOWN=0 FILE_CHANGE_UNKNOWN value
         * @property {number} FILE_CHANGE_CREATED=1 FILE_CHANGE_CREATED value
         * @property {number} FILE_CHANGE_MODIFIED=2 FILE_CHANGE_MODIFIED value
         * @property {number} FILE_CHANGE_DELETED=3 FILE_CHANGE_DELETED value
         * @property {number} FILE_CHANGE_RENAMED=4 FILE_CHANGE_RENAMED value
         * @property {number} FILE_CHANGE_METADATA=5 FILE_CHANGE_METADATA value
         * @property {number} FILE_CHANGE_TRANSIENT=6 FILE_CHANGE_TRANSIENT value
         */
        v1.FileChangeKind = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "FILE_CHANGE_UNKNOWN"] = 0;
            values[valuesById[1] = "FILE_CHANGE_CREATED"] = 1;
            values[valuesById[2] = "FILE_CHANGE_MODIFIED"] = 2;
            values[valuesById[3] = "FILE_CHANGE_DELETED"] = 3;
            values[valuesById[4] = "FILE_CHANGE_RENAMED"] = 4;
            values[valuesById[5] = "FILE_CHANGE_METADATA"] = 5;
            values[valuesById[6] = "FILE_CHANGE_TRANSIENT"] = 6;
            return values;
        })();

        v1.FileChange = (function() {

            /**
             * Properties of a FileChange.
             * @typedef {Object} umbra.v1.FileChange.$Properties
             * @property {umbra.v1.FileChangeKind|null} [change] FileChange change
             * @property {string|null} [path] FileChange path
             * @property {string|null} [oldPath] FileChange oldPath
             * @property {string|null} [type] FileChange type
             * @property {Long|null} [inode] FileChange inode
             * @property {Long|null} [sizeBefore] FileChange sizeBefore
             * @property {Long|null} [sizeAfter] FileChange sizeAfter
             * @property {Long|null} [changedBytes] FileChange changedBytes
             * @property {number|null} [entropyBefore] FileChange entropyBefore
             * @property {number|null} [entropyAfter] FileChange entropyAfter
             * @property {number|null} [uid] FileChange uid
             * @property {number|null} [gid] FileChange gid
             * @property {string|null} [owner] FileChange owner
             * @property {string|null} [group] FileChange group
             * @property {number|null} [mode] FileChange mode
             * @property {number|null} [mtime] FileChange mtime
             * @property {Array.<umbra.v1.Actor.$Properties>|null} [actors] FileChange actors
             * @property {umbra.v1.PackageFile.$Properties|null} ["package"] FileChange package
             * @property {Array.<string>|null} [via] FileChange via
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a FileChange.
             * @memberof umbra.v1
             * @interface IFileChange
             * @augments umbra.v1.FileChange.$Properties
             * @deprecated Use umbra.v1.FileChange.$Properties instead.
             */

            /**
             * Shape of a FileChange.
             * @typedef {umbra.v1.FileChange.$Properties} umbra.v1.FileChange.$Shape
             */

            /**
             * Constructs a new FileChange.
             * @memberof umbra.v1
             * @classdesc Represents a FileChange.
             * @constructor
             * @param {umbra.v1.FileChange.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const FileChange = function (properties) {
                this.actors = [];
                this.via = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * FileChange change.
             * @member {umbra.v1.FileChangeKind} change
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.change = 0;

            /**
             * FileChange path.
             * @member {string} path
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.path = "";

            /**
             * FileChange oldPath.
             * @member {string} oldPath
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.oldPath = "";

            /**
             * FileChange type.
             * @member {string} type
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.type = "";

            /**
             * FileChange inode.
             * @member {Long} inode
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.inode = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * FileChange sizeBefore.
             * @member {Long} sizeBefore
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.sizeBefore = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * FileChange sizeAfter.
             * @member {Long} sizeAfter
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.sizeAfter = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * FileChange changedBytes.
             * @member {Long} changedBytes
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.changedBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * FileChange entropyBefore.
             * @member {number} entropyBefore
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.entropyBefore = 0;

            /**
             * FileChange entropyAfter.
             * @member {number} entropyAfter
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.entropyAfter = 0;

            /**
             * FileChange uid.
             * @member {number} uid
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.uid = 0;

            /**
             * FileChange gid.
             * @member {number} gid
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.gid = 0;

            /**
             * FileChange owner.
             * @member {string} owner
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.owner = "";

            /**
             * FileChange group.
             * @member {string} group
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.group = "";

            /**
             * FileChange mode.
             * @member {number} mode
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.mode = 0;

            /**
             * FileChange mtime.
             * @member {number} mtime
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.mtime = 0;

            /**
             * FileChange actors.
             * @member {Array.<umbra.v1.Actor.$Properties>} actors
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.actors = $util.emptyArray;

            /**
             * FileChange package.
             * @member {umbra.v1.PackageFile.$Properties|null|undefined} package
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype["package"] = null;

            /**
             * FileChange via.
             * @member {Array.<string>} via
             * @memberof umbra.v1.FileChange
             * @instance
             */
            FileChange.prototype.via = $util.emptyArray;

            /**
             * Creates a new FileChange instance using the specified properties.
             * @function create
             * @memberof umbra.v1.FileChange
             * @static
             * @param {umbra.v1.FileChange.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.FileChange} FileChange instance
             * @type {{
             *   (properties: umbra.v1.FileChange.$Shape): umbra.v1.FileChange & umbra.v1.FileChange.$Shape;
             *   (properties?: umbra.v1.FileChange.$Properties): umbra.v1.FileChange;
             * }}
             */
            FileChange.create = function(properties) {
                return new FileChange(properties);
            };

            /**
             * Encodes the specified FileChange message. Does not implicitly {@link umbra.v1.FileChange.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.FileChange
             * @static
             * @param {umbra.v1.FileChange.$Properties} message FileChange message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            FileChange.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.change != null && $Object.hasOwnProperty.call(message, "change") && message.change !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).int32(message.change);
                if (message.path != null && $Object.hasOwnProperty.call(message, "path") && message.path !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.path);
                if (message.oldPath != null && $Object.hasOwnProperty.call(message, "oldPath") && message.oldPath !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.oldPath);
                if (message.type != null && $Object.hasOwnProperty.call(message, "type") && message.type !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.type);
                if (message.inode != null && $Object.hasOwnProperty.call(message, "inode") && (typeof message.inode === "object" ? message.inode.low || message.inode.high : message.inode !== 0))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.inode);
                if (message.sizeBefore != null && $Object.hasOwnProperty.call(message, "sizeBefore") && (typeof message.sizeBefore === "object" ? message.sizeBefore.low || message.sizeBefore.high : message.sizeBefore !== 0))
                    writer.uint32(/* id 6, wireType 0 =*/48).uint64(message.sizeBefore);
                if (message.sizeAfter != null && $Object.hasOwnProperty.call(message, "sizeAfter") && (typeof message.sizeAfter === "object" ? message.sizeAfter.low || message.sizeAfter.high : message.sizeAfter !== 0))
                    writer.uint32(/* id 7, wireType 0 =*/56).uint64(message.sizeAfter);
                if (message.changedBytes != null && $Object.hasOwnProperty.call(message, "changedBytes") && (typeof message.changedBytes === "object" ? message.changedBytes.low || message.changedBytes.high : message.changedBytes !== 0))
                    writer.uint32(/* id 8, wireType 0 =*/64).uint64(message.changedBytes);
                if (message.entropyBefore != null && $Object.hasOwnProperty.call(message, "entropyBefore") && !$Object.is(message.entropyBefore, 0))
                    writer.uint32(/* id 9, wireType 1 =*/73).double(message.entropyBefore);
                if (message.entropyAfter != null && $Object.hasOwnProperty.call(message, "entropyAfter") && !$Object.is(message.entropyAfter, 0))
                    writer.uint32(/* id 10, wireType 1 =*/81).double(message.entropyAfter);
                if (message.uid != null && $Object.hasOwnProperty.call(message, "uid") && message.uid !== 0)
                    writer.uint32(/* id 11, wireType 0 =*/88).uint32(message.uid);
                if (message.gid != null && $Object.hasOwnProperty.call(message, "gid") && message.gid !== 0)
                    writer.uint32(/* id 12, wireType 0 =*/96).uint32(message.gid);
                if (message.owner != null && $Object.hasOwnProperty.call(message, "owner") && message.owner !== "")
                    writer.uint32(/* id 13, wireType 2 =*/106).string(message.owner);
                if (message.group != null && $Object.hasOwnProperty.call(message, "group") && message.group !== "")
                    writer.uint32(/* id 14, wireType 2 =*/114).string(message.group);
                if (message.mode != null && $Object.hasOwnProperty.call(message, "mode") && message.mode !== 0)
                    writer.uint32(/* id 15, wireType 0 =*/120).uint32(message.mode);
                if (message.mtime != null && $Object.hasOwnProperty.call(message, "mtime") && !$Object.is(message.mtime, 0))
                    writer.uint32(/* id 16, wireType 1 =*/129).double(message.mtime);
                if (message.actors != null && message.actors.length)
                    for (let i = 0; i < message.actors.length; ++i)
                        $root.umbra.v1.Actor.encode(message.actors[i], writer.uint32(/* id 17, wireType 2 =*/138).fork(), _depth + 1).ldelim();
                if (message["package"] != null && $Object.hasOwnProperty.call(message, "package"))
                    $root.umbra.v1.PackageFile.encode(message["package"], writer.uint32(/* id 18, wireType 2 =*/146).fork(), _depth + 1).ldelim();
                if (message.via != null && message.via.length)
                    for (let i = 0; i < message.via.length; ++i)
                        writer.uint32(/* id 19, wireType 2 =*/154).string(message.via[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a FileChange message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.FileChange
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.FileChange & umbra.v1.FileChange.$Shape} FileChange
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            FileChange.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.FileChange();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.change = value;
                            else
                                delete message.change;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.path = value;
                            else
                                delete message.path;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.oldPath = value;
                            else
                                delete message.oldPath;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.type = value;
                            else
                                delete message.type;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.inode = value;
                            else
                                delete message.inode;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sizeBefore = value;
                            else
                                delete message.sizeBefore;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sizeAfter = value;
                            else
                                delete message.sizeAfter;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.changedBytes = value;
                            else
                                delete message.changedBytes;
                            continue;
                        }
                    case 9: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.entropyBefore = value;
                            else
                                delete message.entropyBefore;
                            continue;
                        }
                    case 10: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.entropyAfter = value;
                            else
                                delete message.entropyAfter;
                            continue;
                        }
                    case 11: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.uid = value;
                            else
                                delete message.uid;
                            continue;
                        }
                    case 12: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.gid = value;
                            else
                                delete message.gid;
                            continue;
                        }
                    case 13: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.owner = value;
                            else
                                delete message.owner;
                            continue;
                        }
                    case 14: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.group = value;
                            else
                                delete message.group;
                            continue;
                        }
                    case 15: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.mode = value;
                            else
                                delete message.mode;
                            continue;
                        }
                    case 16: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.mtime = value;
                            else
                                delete message.mtime;
                            continue;
                        }
                    case 17: {
                            if (wireType !== 2)
                                break;
                            if (!(message.actors && message.actors.length))
                                message.actors = [];
                            message.actors.push($root.umbra.v1.Actor.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 18: {
                            if (wireType !== 2)
                                break;
                            message["package"] = $root.umbra.v1.PackageFile.decode(reader, reader.size(), $undefined, _depth + 1, message["package"]);
                            continue;
                        }
                    case 19: {
                            if (wireType !== 2)
                                break;
                            if (!(message.via && message.via.length))
                                message.via = [];
                            message.via.push(reader.stringVerify());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a FileChange message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.FileChange
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.FileChange} FileChange
             */
            FileChange.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.FileChange)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.FileChange: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.FileChange();
                if (object.change !== 0 && (typeof object.change !== "string" || $root.umbra.v1.FileChangeKind[object.change] !== 0))
                    switch (object.change) {
                    case "FILE_CHANGE_UNKNOWN":
                    case 0:
                        message.change = 0;
                        break;
                    case "FILE_CHANGE_CREATED":
                    case 1:
                        message.change = 1;
                        break;
                    case "FILE_CHANGE_MODIFIED":
                    case 2:
                        message.change = 2;
                        break;
                    case "FILE_CHANGE_DELETED":
                    case 3:
                        message.change = 3;
                        break;
                    case "FILE_CHANGE_RENAMED":
                    case 4:
                        message.change = 4;
                        break;
                    case "FILE_CHANGE_METADATA":
                    case 5:
                        message.change = 5;
                        break;
                    case "FILE_CHANGE_TRANSIENT":
                    case 6:
                        message.change = 6;
                        break;
                    default:
                        if (typeof object.change === "number" && (object.change | 0) === object.change)
                            message.change = object.change;
                    }
                if (object.path != null)
                    if (typeof object.path !== "string" || object.path.length)
                        message.path = $String(object.path);
                if (object.oldPath != null)
                    if (typeof object.oldPath !== "string" || object.oldPath.length)
                        message.oldPath = $String(object.oldPath);
                if (object.type != null)
                    if (typeof object.type !== "string" || object.type.length)
                        message.type = $String(object.type);
                if (object.inode != null)
                    if (typeof object.inode === "object" ? object.inode.low || object.inode.high : $Number(object.inode) !== 0)
                        if ($util.Long)
                            message.inode = $util.Long.fromValue(object.inode, true);
                        else if (typeof object.inode === "string")
                            message.inode = $parseInt(object.inode, 10);
                        else if (typeof object.inode === "number")
                            message.inode = object.inode;
                        else if (typeof object.inode === "object")
                            message.inode = new $util.LongBits(object.inode.low >>> 0, object.inode.high >>> 0).toNumber(true);
                if (object.sizeBefore != null)
                    if (typeof object.sizeBefore === "object" ? object.sizeBefore.low || object.sizeBefore.high : $Number(object.sizeBefore) !== 0)
                        if ($util.Long)
                            message.sizeBefore = $util.Long.fromValue(object.sizeBefore, true);
                        else if (typeof object.sizeBefore === "string")
                            message.sizeBefore = $parseInt(object.sizeBefore, 10);
                        else if (typeof object.sizeBefore === "number")
                            message.sizeBefore = object.sizeBefore;
                        else if (typeof object.sizeBefore === "object")
                            message.sizeBefore = new $util.LongBits(object.sizeBefore.low >>> 0, object.sizeBefore.high >>> 0).toNumber(true);
                if (object.sizeAfter != null)
                    if (typeof object.sizeAfter === "object" ? object.sizeAfter.low || object.sizeAfter.high : $Number(object.sizeAfter) !== 0)
                        if ($util.Long)
                            message.sizeAfter = $util.Long.fromValue(object.sizeAfter, true);
                        else if (typeof object.sizeAfter === "string")
                            message.sizeAfter = $parseInt(object.sizeAfter, 10);
                        else if (typeof object.sizeAfter === "number")
                            message.sizeAfter = object.sizeAfter;
                        else if (typeof object.sizeAfter === "object")
                            message.sizeAfter = new $util.LongBits(object.sizeAfter.low >>> 0, object.sizeAfter.high >>> 0).toNumber(true);
                if (object.changedBytes != null)
                    if (typeof object.changedBytes === "object" ? object.changedBytes.low || object.changedBytes.high : $Number(object.changedBytes) !== 0)
                        if ($util.Long)
                            message.changedBytes = $util.Long.fromValue(object.changedBytes, true);
                        else if (typeof object.changedBytes === "string")
                            message.changedBytes = $parseInt(object.changedBytes, 10);
                        else if (typeof object.changedBytes === "number")
                            message.changedBytes = object.changedBytes;
                        else if (typeof object.changedBytes === "object")
                            message.changedBytes = new $util.LongBits(object.changedBytes.low >>> 0, object.changedBytes.high >>> 0).toNumber(true);
                if (object.entropyBefore != null)
                    if (!$Object.is($Number(object.entropyBefore), 0))
                        message.entropyBefore = $Number(object.entropyBefore);
                if (object.entropyAfter != null)
                    if (!$Object.is($Number(object.entropyAfter), 0))
                        message.entropyAfter = $Number(object.entropyAfter);
                if (object.uid != null)
                    if ($Number(object.uid) !== 0)
                        message.uid = object.uid >>> 0;
                if (object.gid != null)
                    if ($Number(object.gid) !== 0)
                        message.gid = object.gid >>> 0;
                if (object.owner != null)
                    if (typeof object.owner !== "string" || object.owner.length)
                        message.owner = $String(object.owner);
                if (object.group != null)
                    if (typeof object.group !== "string" || object.group.length)
                        message.group = $String(object.group);
                if (object.mode != null)
                    if ($Number(object.mode) !== 0)
                        message.mode = object.mode >>> 0;
                if (object.mtime != null)
                    if (!$Object.is($Number(object.mtime), 0))
                        message.mtime = $Number(object.mtime);
                if (object.actors) {
                    if (!$Array.isArray(object.actors))
                        throw $TypeError(".umbra.v1.FileChange.actors: array expected");
                    message.actors = $Array(object.actors.length);
                    for (let i = 0; i < object.actors.length; ++i) {
                        if (!$util.isObject(object.actors[i]))
                            throw $TypeError(".umbra.v1.FileChange.actors: object expected");
                        message.actors[i] = $root.umbra.v1.Actor.fromObject(object.actors[i], _depth + 1);
                    }
                }
                if (object["package"] != null) {
                    if (!$util.isObject(object["package"]))
                        throw $TypeError(".umbra.v1.FileChange.package: object expected");
                    message["package"] = $root.umbra.v1.PackageFile.fromObject(object["package"], _depth + 1);
                }
                if (object.via) {
                    if (!$Array.isArray(object.via))
                        throw $TypeError(".umbra.v1.FileChange.via: array expected");
                    message.via = $Array(object.via.length);
                    for (let i = 0; i < object.via.length; ++i)
                        message.via[i] = $String(object.via[i]);
                }
                return message;
            };

            /**
             * Creates a plain object from a FileChange message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.FileChange
             * @static
             * @param {umbra.v1.FileChange} message FileChange
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            FileChange.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults) {
                    object.actors = [];
                    object.via = [];
                }
                if (options.defaults) {
                    object.change = options.enums === $String ? "FILE_CHANGE_UNKNOWN" : 0;
                    object.path = "";
                    object.oldPath = "";
                    object.type = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.inode = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.inode = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sizeBefore = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sizeBefore = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sizeAfter = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sizeAfter = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.changedBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.changedBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.entropyBefore = 0;
                    object.entropyAfter = 0;
                    object.uid = 0;
                    object.gid = 0;
                    object.owner = "";
                    object.group = "";
                    object.mode = 0;
                    object.mtime = 0;
                    object["package"] = null;
                }
                if (message.change != null && $Object.hasOwnProperty.call(message, "change"))
                    object.change = options.enums === $String ? $root.umbra.v1.FileChangeKind[message.change] === $undefined ? message.change : $root.umbra.v1.FileChangeKind[message.change] : message.change;
                if (message.path != null && $Object.hasOwnProperty.call(message, "path"))
                    object.path = message.path;
                if (message.oldPath != null && $Object.hasOwnProperty.call(message, "oldPath"))
                    object.oldPath = message.oldPath;
                if (message.type != null && $Object.hasOwnProperty.call(message, "type"))
                    object.type = message.type;
                if (message.inode != null && $Object.hasOwnProperty.call(message, "inode"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.inode = typeof message.inode === "number" ? $BigInt(message.inode) : $util.Long.fromBits(message.inode.low >>> 0, message.inode.high >>> 0, true).toBigInt();
                    else if (typeof message.inode === "number")
                        object.inode = options.longs === $String ? $String(message.inode) : message.inode;
                    else
                        object.inode = options.longs === $String ? $util.Long.prototype.toString.call(message.inode) : options.longs === $Number ? new $util.LongBits(message.inode.low >>> 0, message.inode.high >>> 0).toNumber(true) : message.inode;
                if (message.sizeBefore != null && $Object.hasOwnProperty.call(message, "sizeBefore"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sizeBefore = typeof message.sizeBefore === "number" ? $BigInt(message.sizeBefore) : $util.Long.fromBits(message.sizeBefore.low >>> 0, message.sizeBefore.high >>> 0, true).toBigInt();
                    else if (typeof message.sizeBefore === "number")
                        object.sizeBefore = options.longs === $String ? $String(message.sizeBefore) : message.sizeBefore;
                    else
                        object.sizeBefore = options.longs === $String ? $util.Long.prototype.toString.call(message.sizeBefore) : options.longs === $Number ? new $util.LongBits(message.sizeBefore.low >>> 0, message.sizeBefore.high >>> 0).toNumber(true) : message.sizeBefore;
                if (message.sizeAfter != null && $Object.hasOwnProperty.call(message, "sizeAfter"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sizeAfter = typeof message.sizeAfter === "number" ? $BigInt(message.sizeAfter) : $util.Long.fromBits(message.sizeAfter.low >>> 0, message.sizeAfter.high >>> 0, true).toBigInt();
                    else if (typeof message.sizeAfter === "number")
                        object.sizeAfter = options.longs === $String ? $String(message.sizeAfter) : message.sizeAfter;
                    else
                        object.sizeAfter = options.longs === $String ? $util.Long.prototype.toString.call(message.sizeAfter) : options.longs === $Number ? new $util.LongBits(message.sizeAfter.low >>> 0, message.sizeAfter.high >>> 0).toNumber(true) : message.sizeAfter;
                if (message.changedBytes != null && $Object.hasOwnProperty.call(message, "changedBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.changedBytes = typeof message.changedBytes === "number" ? $BigInt(message.changedBytes) : $util.Long.fromBits(message.changedBytes.low >>> 0, message.changedBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.changedBytes === "number")
                        object.changedBytes = options.longs === $String ? $String(message.changedBytes) : message.changedBytes;
                    else
                        object.changedBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.changedBytes) : options.longs === $Number ? new $util.LongBits(message.changedBytes.low >>> 0, message.changedBytes.high >>> 0).toNumber(true) : message.changedBytes;
                if (message.entropyBefore != null && $Object.hasOwnProperty.call(message, "entropyBefore"))
                    object.entropyBefore = options.json && !$isFinite(message.entropyBefore) ? $String(message.entropyBefore) : message.entropyBefore;
                if (message.entropyAfter != null && $Object.hasOwnProperty.call(message, "entropyAfter"))
                    object.entropyAfter = options.json && !$isFinite(message.entropyAfter) ? $String(message.entropyAfter) : message.entropyAfter;
                if (message.uid != null && $Object.hasOwnProperty.call(message, "uid"))
                    object.uid = message.uid;
                if (message.gid != null && $Object.hasOwnProperty.call(message, "gid"))
                    object.gid = message.gid;
                if (message.owner != null && $Object.hasOwnProperty.call(message, "owner"))
                    object.owner = message.owner;
                if (message.group != null && $Object.hasOwnProperty.call(message, "group"))
                    object.group = message.group;
                if (message.mode != null && $Object.hasOwnProperty.call(message, "mode"))
                    object.mode = message.mode;
                if (message.mtime != null && $Object.hasOwnProperty.call(message, "mtime"))
                    object.mtime = options.json && !$isFinite(message.mtime) ? $String(message.mtime) : message.mtime;
                if (message.actors && message.actors.length) {
                    object.actors = $Array(message.actors.length);
                    for (let j = 0; j < message.actors.length; ++j)
                        object.actors[j] = $root.umbra.v1.Actor.toObject(message.actors[j], options, _depth + 1);
                }
                if (message["package"] != null && $Object.hasOwnProperty.call(message, "package"))
                    object["package"] = $root.umbra.v1.PackageFile.toObject(message["package"], options, _depth + 1);
                if (message.via && message.via.length) {
                    object.via = $Array(message.via.length);
                    for (let j = 0; j < message.via.length; ++j)
                        object.via[j] = message.via[j];
                }
                return object;
            };

            /**
             * Converts this FileChange to JSON.
             * @function toJSON
             * @memberof umbra.v1.FileChange
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            FileChange.prototype.toJSON = function() {
                return FileChange.toObject(this, $protobuf.util.toJSONOptions);
            };

            return FileChange;
        })();

        v1.Actor = (function() {

            /**
             * Properties of an Actor.
             * @typedef {Object} umbra.v1.Actor.$Properties
             * @property {number|null} [time] Actor time
             * @property {number|null} [count] Actor count
             * @property {string|null} [action] Actor action
             * @property {string|null} [user] Actor user
             * @property {string|null} [account] Actor account
             * @property {string|null} [host] Actor host
             * @property {string|null} [tty] Actor tty
             * @property {string|null} [process] Actor process
             * @property {string|null} [executable] Actor executable
             * @property {number|null} [pid] Actor pid
             * @property {string|null} [source] Actor source
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of an Actor.
             * @memberof umbra.v1
             * @interface IActor
             * @augments umbra.v1.Actor.$Properties
             * @deprecated Use umbra.v1.Actor.$Properties instead.
             */

            /**
             * Shape of an Actor.
             * @typedef {umbra.v1.Actor.$Properties} umbra.v1.Actor.$Shape
             */

            /**
             * Constructs a new Actor.
             * @memberof umbra.v1
             * @classdesc Represents an Actor.
             * @constructor
             * @param {umbra.v1.Actor.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const Actor = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * Actor time.
             * @member {number} time
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.time = 0;

            /**
             * Actor count.
             * @member {number} count
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.count = 0;

            /**
             * Actor action.
             * @member {string} action
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.action = "";

            /**
             * Actor user.
             * @member {string} user
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.user = "";

            /**
             * Actor account.
             * @member {string} account
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.account = "";

            /**
             * Actor host.
             * @member {string} host
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.host = "";

            /**
             * Actor tty.
             * @member {string} tty
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.tty = "";

            /**
             * Actor process.
             * @member {string} process
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.process = "";

            /**
             * Actor executable.
             * @member {string} executable
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.executable = "";

            /**
             * Actor pid.
             * @member {number} pid
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.pid = 0;

            /**
             * Actor source.
             * @member {string} source
             * @memberof umbra.v1.Actor
             * @instance
             */
            Actor.prototype.source = "";

            /**
             * Creates a new Actor instance using the specified properties.
             * @function create
             * @memberof umbra.v1.Actor
             * @static
             * @param {umbra.v1.Actor.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.Actor} Actor instance
             * @type {{
             *   (properties: umbra.v1.Actor.$Shape): umbra.v1.Actor & umbra.v1.Actor.$Shape;
             *   (properties?: umbra.v1.Actor.$Properties): umbra.v1.Actor;
             * }}
             */
            Actor.create = function(properties) {
                return new Actor(properties);
            };

            /**
             * Encodes the specified Actor message. Does not implicitly {@link umbra.v1.Actor.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.Actor
             * @static
             * @param {umbra.v1.Actor.$Properties} message Actor message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            Actor.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.time != null && $Object.hasOwnProperty.call(message, "time") && !$Object.is(message.time, 0))
                    writer.uint32(/* id 1, wireType 1 =*/9).double(message.time);
                if (message.count != null && $Object.hasOwnProperty.call(message, "count") && message.count !== 0)
                    writer.uint32(/* id 2, wireType 0 =*/16).uint32(message.count);
                if (message.action != null && $Object.hasOwnProperty.call(message, "action") && message.action !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.action);
                if (message.user != null && $Object.hasOwnProperty.call(message, "user") && message.user !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.user);
                if (message.account != null && $Object.hasOwnProperty.call(message, "account") && message.account !== "")
                    writer.uint32(/* id 5, wireType 2 =*/42).string(message.account);
                if (message.host != null && $Object.hasOwnProperty.call(message, "host") && message.host !== "")
                    writer.uint32(/* id 6, wireType 2 =*/50).string(message.host);
                if (message.tty != null && $Object.hasOwnProperty.call(message, "tty") && message.tty !== "")
                    writer.uint32(/* id 7, wireType 2 =*/58).string(message.tty);
                if (message.process != null && $Object.hasOwnProperty.call(message, "process") && message.process !== "")
                    writer.uint32(/* id 8, wireType 2 =*/66).string(message.process);
                if (message.executable != null && $Object.hasOwnProperty.call(message, "executable") && message.executable !== "")
                    writer.uint32(/* id 9, wireType 2 =*/74).string(message.executable);
                if (message.pid != null && $Object.hasOwnProperty.call(message, "pid") && message.pid !== 0)
                    writer.uint32(/* id 10, wireType 0 =*/80).uint32(message.pid);
                if (message.source != null && $Object.hasOwnProperty.call(message, "source") && message.source !== "")
                    writer.uint32(/* id 11, wireType 2 =*/90).string(message.source);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes an Actor message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.Actor
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.Actor & umbra.v1.Actor.$Shape} Actor
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            Actor.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.Actor();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.time = value;
                            else
                                delete message.time;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.count = value;
                            else
                                delete message.count;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.action = value;
                            else
                                delete message.action;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.user = value;
                            else
                                delete message.user;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.account = value;
                            else
                                delete message.account;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.host = value;
                            else
                                delete message.host;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.tty = value;
                            else
                                delete message.tty;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.process = value;
                            else
                                delete message.process;
                            continue;
                        }
                    case 9: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.executable = value;
                            else
                                delete message.executable;
                            continue;
                        }
                    case 10: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.pid = value;
                            else
                                delete message.pid;
                            continue;
                        }
                    case 11: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.source = value;
                            else
                                delete message.source;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates an Actor message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.Actor
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.Actor} Actor
             */
            Actor.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.Actor)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.Actor: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.Actor();
                if (object.time != null)
                    if (!$Object.is($Number(object.time), 0))
                        message.time = $Number(object.time);
                if (object.count != null)
                    if ($Number(object.count) !== 0)
                        message.count = object.count >>> 0;
                if (object.action != null)
                    if (typeof object.action !== "string" || object.action.length)
                        message.action = $String(object.action);
                if (object.user != null)
                    if (typeof object.user !== "string" || object.user.length)
                        message.user = $String(object.user);
                if (object.account != null)
                    if (typeof object.account !== "string" || object.account.length)
                        message.account = $String(object.account);
                if (object.host != null)
                    if (typeof object.host !== "string" || object.host.length)
                        message.host = $String(object.host);
                if (object.tty != null)
                    if (typeof object.tty !== "string" || object.tty.length)
                        message.tty = $String(object.tty);
                if (object.process != null)
                    if (typeof object.process !== "string" || object.process.length)
                        message.process = $String(object.process);
                if (object.executable != null)
                    if (typeof object.executable !== "string" || object.executable.length)
                        message.executable = $String(object.executable);
                if (object.pid != null)
                    if ($Number(object.pid) !== 0)
                        message.pid = object.pid >>> 0;
                if (object.source != null)
                    if (typeof object.source !== "string" || object.source.length)
                        message.source = $String(object.source);
                return message;
            };

            /**
             * Creates a plain object from an Actor message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.Actor
             * @static
             * @param {umbra.v1.Actor} message Actor
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            Actor.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.time = 0;
                    object.count = 0;
                    object.action = "";
                    object.user = "";
                    object.account = "";
                    object.host = "";
                    object.tty = "";
                    object.process = "";
                    object.executable = "";
                    object.pid = 0;
                    object.source = "";
                }
                if (message.time != null && $Object.hasOwnProperty.call(message, "time"))
                    object.time = options.json && !$isFinite(message.time) ? $String(message.time) : message.time;
                if (message.count != null && $Object.hasOwnProperty.call(message, "count"))
                    object.count = message.count;
                if (message.action != null && $Object.hasOwnProperty.call(message, "action"))
                    object.action = message.action;
                if (message.user != null && $Object.hasOwnProperty.call(message, "user"))
                    object.user = message.user;
                if (message.account != null && $Object.hasOwnProperty.call(message, "account"))
                    object.account = message.account;
                if (message.host != null && $Object.hasOwnProperty.call(message, "host"))
                    object.host = message.host;
                if (message.tty != null && $Object.hasOwnProperty.call(message, "tty"))
                    object.tty = message.tty;
                if (message.process != null && $Object.hasOwnProperty.call(message, "process"))
                    object.process = message.process;
                if (message.executable != null && $Object.hasOwnProperty.call(message, "executable"))
                    object.executable = message.executable;
                if (message.pid != null && $Object.hasOwnProperty.call(message, "pid"))
                    object.pid = message.pid;
                if (message.source != null && $Object.hasOwnProperty.call(message, "source"))
                    object.source = message.source;
                return object;
            };

            /**
             * Converts this Actor to JSON.
             * @function toJSON
             * @memberof umbra.v1.Actor
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            Actor.prototype.toJSON = function() {
                return Actor.toObject(this, $protobuf.util.toJSONOptions);
            };

            return Actor;
        })();

        v1.PackageFile = (function() {

            /**
             * Properties of a PackageFile.
             * @typedef {Object} umbra.v1.PackageFile.$Properties
             * @property {string|null} [name] PackageFile name
             * @property {string|null} [version] PackageFile version
             * @property {string|null} [event] PackageFile event
             * @property {string|null} [state] PackageFile state
             * @property {boolean|null} [explained] PackageFile explained
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PackageFile.
             * @memberof umbra.v1
             * @interface IPackageFile
             * @augments umbra.v1.PackageFile.$Properties
             * @deprecated Use umbra.v1.PackageFile.$Properties instead.
             */

            /**
             * Shape of a PackageFile.
             * @typedef {umbra.v1.PackageFile.$Properties} umbra.v1.PackageFile.$Shape
             */

            /**
             * Constructs a new PackageFile.
             * @memberof umbra.v1
             * @classdesc Represents a PackageFile.
             * @constructor
             * @param {umbra.v1.PackageFile.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PackageFile = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PackageFile name.
             * @member {string} name
             * @memberof umbra.v1.PackageFile
             * @instance
             */
            PackageFile.prototype.name = "";

            /**
             * PackageFile version.
             * @member {string} version
             * @memberof umbra.v1.PackageFile
             * @instance
             */
            PackageFile.prototype.version = "";

            /**
             * PackageFile event.
             * @member {string} event
             * @memberof umbra.v1.PackageFile
             * @instance
             */
            PackageFile.prototype.event = "";

            /**
             * PackageFile state.
             * @member {string} state
             * @memberof umbra.v1.PackageFile
             * @instance
             */
            PackageFile.prototype.state = "";

            /**
             * PackageFile explained.
             * @member {boolean} explained
             * @memberof umbra.v1.PackageFile
             * @instance
             */
            PackageFile.prototype.explained = false;

            /**
             * Creates a new PackageFile instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PackageFile
             * @static
             * @param {umbra.v1.PackageFile.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PackageFile} PackageFile instance
             * @type {{
             *   (properties: umbra.v1.PackageFile.$Shape): umbra.v1.PackageFile & umbra.v1.PackageFile.$Shape;
             *   (properties?: umbra.v1.PackageFile.$Properties): umbra.v1.PackageFile;
             * }}
             */
            PackageFile.create = function(properties) {
                return new PackageFile(properties);
            };

            /**
             * Encodes the specified PackageFile message. Does not implicitly {@link umbra.v1.PackageFile.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PackageFile
             * @static
             * @param {umbra.v1.PackageFile.$Properties} message PackageFile message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PackageFile.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.name != null && $Object.hasOwnProperty.call(message, "name") && message.name !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.name);
                if (message.version != null && $Object.hasOwnProperty.call(message, "version") && message.version !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.version);
                if (message.event != null && $Object.hasOwnProperty.call(message, "event") && message.event !== "")
                    writer.uint32(/* id 3, wireType 2 =*/26).string(message.event);
                if (message.state != null && $Object.hasOwnProperty.call(message, "state") && message.state !== "")
                    writer.uint32(/* id 4, wireType 2 =*/34).string(message.state);
                if (message.explained != null && $Object.hasOwnProperty.call(message, "explained") && message.explained !== false)
                    writer.uint32(/* id 5, wireType 0 =*/40).bool(message.explained);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PackageFile message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PackageFile
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PackageFile & umbra.v1.PackageFile.$Shape} PackageFile
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PackageFile.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PackageFile();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.name = value;
                            else
                                delete message.name;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.version = value;
                            else
                                delete message.version;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.event = value;
                            else
                                delete message.event;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.state = value;
                            else
                                delete message.state;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.explained = value;
                            else
                                delete message.explained;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PackageFile message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PackageFile
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PackageFile} PackageFile
             */
            PackageFile.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PackageFile)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PackageFile: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PackageFile();
                if (object.name != null)
                    if (typeof object.name !== "string" || object.name.length)
                        message.name = $String(object.name);
                if (object.version != null)
                    if (typeof object.version !== "string" || object.version.length)
                        message.version = $String(object.version);
                if (object.event != null)
                    if (typeof object.event !== "string" || object.event.length)
                        message.event = $String(object.event);
                if (object.state != null)
                    if (typeof object.state !== "string" || object.state.length)
                        message.state = $String(object.state);
                if (object.explained != null)
                    if (object.explained)
                        message.explained = $Boolean(object.explained);
                return message;
            };

            /**
             * Creates a plain object from a PackageFile message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PackageFile
             * @static
             * @param {umbra.v1.PackageFile} message PackageFile
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PackageFile.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.name = "";
                    object.version = "";
                    object.event = "";
                    object.state = "";
                    object.explained = false;
                }
                if (message.name != null && $Object.hasOwnProperty.call(message, "name"))
                    object.name = message.name;
                if (message.version != null && $Object.hasOwnProperty.call(message, "version"))
                    object.version = message.version;
                if (message.event != null && $Object.hasOwnProperty.call(message, "event"))
                    object.event = message.event;
                if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                    object.state = message.state;
                if (message.explained != null && $Object.hasOwnProperty.call(message, "explained"))
                    object.explained = message.explained;
                return object;
            };

            /**
             * Converts this PackageFile to JSON.
             * @function toJSON
             * @memberof umbra.v1.PackageFile
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PackageFile.prototype.toJSON = function() {
                return PackageFile.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PackageFile;
        })();

        v1.FileChanges = (function() {

            /**
             * Properties of a FileChanges.
             * @typedef {Object} umbra.v1.FileChanges.$Properties
             * @property {string|null} [disk] FileChanges disk
             * @property {string|null} [volume] FileChanges volume
             * @property {Array.<umbra.v1.FileChange.$Properties>|null} [files] FileChanges files
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a FileChanges.
             * @memberof umbra.v1
             * @interface IFileChanges
             * @augments umbra.v1.FileChanges.$Properties
             * @deprecated Use umbra.v1.FileChanges.$Properties instead.
             */

            /**
             * Shape of a FileChanges.
             * @typedef {umbra.v1.FileChanges.$Properties} umbra.v1.FileChanges.$Shape
             */

            /**
             * Constructs a new FileChanges.
             * @memberof umbra.v1
             * @classdesc Represents a FileChanges.
             * @constructor
             * @param {umbra.v1.FileChanges.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const FileChanges = function (properties) {
                this.files = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * FileChanges disk.
             * @member {string} disk
             * @memberof umbra.v1.FileChanges
             * @instance
             */
            FileChanges.prototype.disk = "";

            /**
             * FileChanges volume.
             * @member {string} volume
             * @memberof umbra.v1.FileChanges
             * @instance
             */
            FileChanges.prototype.volume = "";

            /**
             * FileChanges files.
             * @member {Array.<umbra.v1.FileChange.$Properties>} files
             * @memberof umbra.v1.FileChanges
             * @instance
             */
            FileChanges.prototype.files = $util.emptyArray;

            /**
             * Creates a new FileChanges instance using the specified properties.
             * @function create
             * @memberof umbra.v1.FileChanges
             * @static
             * @param {umbra.v1.FileChanges.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.FileChanges} FileChanges instance
             * @type {{
             *   (properties: umbra.v1.FileChanges.$Shape): umbra.v1.FileChanges & umbra.v1.FileChanges.$Shape;
             *   (properties?: umbra.v1.FileChanges.$Properties): umbra.v1.FileChanges;
             * }}
             */
            FileChanges.create = function(properties) {
                return new FileChanges(properties);
            };

            /**
             * Encodes the specified FileChanges message. Does not implicitly {@link umbra.v1.FileChanges.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.FileChanges
             * @static
             * @param {umbra.v1.FileChanges.$Properties} message FileChanges message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            FileChanges.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk") && message.disk !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.disk);
                if (message.volume != null && $Object.hasOwnProperty.call(message, "volume") && message.volume !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.volume);
                if (message.files != null && message.files.length)
                    for (let i = 0; i < message.files.length; ++i)
                        $root.umbra.v1.FileChange.encode(message.files[i], writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a FileChanges message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.FileChanges
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.FileChanges & umbra.v1.FileChanges.$Shape} FileChanges
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            FileChanges.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.FileChanges();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.disk = value;
                            else
                                delete message.disk;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.volume = value;
                            else
                                delete message.volume;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if (!(message.files && message.files.length))
                                message.files = [];
                            message.files.push($root.umbra.v1.FileChange.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a FileChanges message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.FileChanges
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.FileChanges} FileChanges
             */
            FileChanges.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.FileChanges)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.FileChanges: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.FileChanges();
                if (object.disk != null)
                    if (typeof object.disk !== "string" || object.disk.length)
                        message.disk = $String(object.disk);
                if (object.volume != null)
                    if (typeof object.volume !== "string" || object.volume.length)
                        message.volume = $String(object.volume);
                if (object.files) {
                    if (!$Array.isArray(object.files))
                        throw $TypeError(".umbra.v1.FileChanges.files: array expected");
                    message.files = $Array(object.files.length);
                    for (let i = 0; i < object.files.length; ++i) {
                        if (!$util.isObject(object.files[i]))
                            throw $TypeError(".umbra.v1.FileChanges.files: object expected");
                        message.files[i] = $root.umbra.v1.FileChange.fromObject(object.files[i], _depth + 1);
                    }
                }
                return message;
            };

            /**
             * Creates a plain object from a FileChanges message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.FileChanges
             * @static
             * @param {umbra.v1.FileChanges} message FileChanges
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            FileChanges.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.files = [];
                if (options.defaults) {
                    object.disk = "";
                    object.volume = "";
                }
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk"))
                    object.disk = message.disk;
                if (message.volume != null && $Object.hasOwnProperty.call(message, "volume"))
                    object.volume = message.volume;
                if (message.files && message.files.length) {
                    object.files = $Array(message.files.length);
                    for (let j = 0; j < message.files.length; ++j)
                        object.files[j] = $root.umbra.v1.FileChange.toObject(message.files[j], options, _depth + 1);
                }
                return object;
            };

            /**
             * Converts this FileChanges to JSON.
             * @function toJSON
             * @memberof umbra.v1.FileChanges
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            FileChanges.prototype.toJSON = function() {
                return FileChanges.toObject(this, $protobuf.util.toJSONOptions);
            };

            return FileChanges;
        })();

        /**
         * SubmitStatus enum.
         * @name umbra.v1.SubmitStatus
         * @enum {number}
         * @property {number} SUBMIT_STATUS_UNKNOWN=0 SUBMIT_STATUS_UNKNOWN value
         * @property {number} SUBMIT_STATUS_ACCEPTED=1 SUBMIT_STATUS_ACCEPTED value
         * @property {number} SUBMIT_STATUS_DUPLICATE=2 SUBMIT_STATUS_DUPLICATE value
         * @property {number} SUBMIT_STATUS_MISSING=3 SUBMIT_STATUS_MISSING value
         * @property {number} SUBMIT_STATUS_BASE_UNKNOWN=4 SUBMIT_STATUS_BASE_UNKNOWN value
         * @property {number} SUBMIT_STATUS_REFUSED=5 SUBMIT_STATUS_REFUSED value
         */
        v1.SubmitStatus = (function() {
            const valuesById = $Object.create(null), values = $Object.create(valuesById);
            values[valuesById[0] = "SUBMIT_STATUS_UNKNOWN"] = 0;
            values[valuesById[1] = "SUBMIT_STATUS_ACCEPTED"] = 1;
            values[valuesById[2] = "SUBMIT_STATUS_DUPLICATE"] = 2;
            values[valuesById[3] = "SUBMIT_STATUS_MISSING"] = 3;
            values[valuesById[4] = "SUBMIT_STATUS_BASE_UNKNOWN"] = 4;
            values[valuesById[5] = "SUBMIT_STATUS_REFUSED"] = 5;
            return values;
        })();

        v1.SubmitResult = (function() {

            /**
             * Properties of a SubmitResult.
             * @typedef {Object} umbra.v1.SubmitResult.$Properties
             * @property {umbra.v1.SubmitStatus|null} [status] SubmitResult status
             * @property {string|null} [message] SubmitResult message
             * @property {Uint8Array|null} [missing] SubmitResult missing
             * @property {Long|null} [sequence] SubmitResult sequence
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a SubmitResult.
             * @memberof umbra.v1
             * @interface ISubmitResult
             * @augments umbra.v1.SubmitResult.$Properties
             * @deprecated Use umbra.v1.SubmitResult.$Properties instead.
             */

            /**
             * Shape of a SubmitResult.
             * @typedef {umbra.v1.SubmitResult.$Properties} umbra.v1.SubmitResult.$Shape
             */

            /**
             * Constructs a new SubmitResult.
             * @memberof umbra.v1
             * @classdesc Represents a SubmitResult.
             * @constructor
             * @param {umbra.v1.SubmitResult.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const SubmitResult = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * SubmitResult status.
             * @member {umbra.v1.SubmitStatus} status
             * @memberof umbra.v1.SubmitResult
             * @instance
             */
            SubmitResult.prototype.status = 0;

            /**
             * SubmitResult message.
             * @member {string} message
             * @memberof umbra.v1.SubmitResult
             * @instance
             */
            SubmitResult.prototype.message = "";

            /**
             * SubmitResult missing.
             * @member {Uint8Array} missing
             * @memberof umbra.v1.SubmitResult
             * @instance
             */
            SubmitResult.prototype.missing = $util.newBuffer([]);

            /**
             * SubmitResult sequence.
             * @member {Long} sequence
             * @memberof umbra.v1.SubmitResult
             * @instance
             */
            SubmitResult.prototype.sequence = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new SubmitResult instance using the specified properties.
             * @function create
             * @memberof umbra.v1.SubmitResult
             * @static
             * @param {umbra.v1.SubmitResult.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.SubmitResult} SubmitResult instance
             * @type {{
             *   (properties: umbra.v1.SubmitResult.$Shape): umbra.v1.SubmitResult & umbra.v1.SubmitResult.$Shape;
             *   (properties?: umbra.v1.SubmitResult.$Properties): umbra.v1.SubmitResult;
             * }}
             */
            SubmitResult.create = function(properties) {
                return new SubmitResult(properties);
            };

            /**
             * Encodes the specified SubmitResult message. Does not implicitly {@link umbra.v1.SubmitResult.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.SubmitResult
             * @static
             * @param {umbra.v1.SubmitResult.$Properties} message SubmitResult message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            SubmitResult.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.status != null && $Object.hasOwnProperty.call(message, "status") && message.status !== 0)
                    writer.uint32(/* id 1, wireType 0 =*/8).int32(message.status);
                if (message.message != null && $Object.hasOwnProperty.call(message, "message") && message.message !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.message);
                if (message.missing != null && $Object.hasOwnProperty.call(message, "missing") && message.missing.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.missing);
                if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence") && (typeof message.sequence === "object" ? message.sequence.low || message.sequence.high : message.sequence !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.sequence);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a SubmitResult message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.SubmitResult
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.SubmitResult & umbra.v1.SubmitResult.$Shape} SubmitResult
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            SubmitResult.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.SubmitResult();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.status = value;
                            else
                                delete message.status;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.message = value;
                            else
                                delete message.message;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.missing = value;
                            else
                                delete message.missing;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sequence = value;
                            else
                                delete message.sequence;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a SubmitResult message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.SubmitResult
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.SubmitResult} SubmitResult
             */
            SubmitResult.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.SubmitResult)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.SubmitResult: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.SubmitResult();
                if (object.status !== 0 && (typeof object.status !== "string" || $root.umbra.v1.SubmitStatus[object.status] !== 0))
                    switch (object.status) {
                    case "SUBMIT_STATUS_UNKNOWN":
                    case 0:
                        message.status = 0;
                        break;
                    case "SUBMIT_STATUS_ACCEPTED":
                    case 1:
                        message.status = 1;
                        break;
                    case "SUBMIT_STATUS_DUPLICATE":
                    case 2:
                        message.status = 2;
                        break;
                    case "SUBMIT_STATUS_MISSING":
                    case 3:
                        message.status = 3;
                        break;
                    case "SUBMIT_STATUS_BASE_UNKNOWN":
                    case 4:
                        message.status = 4;
                        break;
                    case "SUBMIT_STATUS_REFUSED":
                    case 5:
                        message.status = 5;
                        break;
                    default:
                        if (typeof object.status === "number" && (object.status | 0) === object.status)
                            message.status = object.status;
                    }
                if (object.message != null)
                    if (typeof object.message !== "string" || object.message.length)
                        message.message = $String(object.message);
                if (object.missing != null)
                    if (object.missing.length)
                        if (typeof object.missing === "string")
                            $util.base64.decode(object.missing, message.missing = $util.newBuffer($util.base64.length(object.missing)), 0);
                        else if (object.missing.length >= 0)
                            message.missing = object.missing;
                if (object.sequence != null)
                    if (typeof object.sequence === "object" ? object.sequence.low || object.sequence.high : $Number(object.sequence) !== 0)
                        if ($util.Long)
                            message.sequence = $util.Long.fromValue(object.sequence, true);
                        else if (typeof object.sequence === "string")
                            message.sequence = $parseInt(object.sequence, 10);
                        else if (typeof object.sequence === "number")
                            message.sequence = object.sequence;
                        else if (typeof object.sequence === "object")
                            message.sequence = new $util.LongBits(object.sequence.low >>> 0, object.sequence.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from a SubmitResult message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.SubmitResult
             * @static
             * @param {umbra.v1.SubmitResult} message SubmitResult
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            SubmitResult.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.status = options.enums === $String ? "SUBMIT_STATUS_UNKNOWN" : 0;
                    object.message = "";
                    if (options.bytes === $String)
                        object.missing = "";
                    else {
                        object.missing = [];
                        if (options.bytes !== $Array)
                            object.missing = $util.newBuffer(object.missing);
                    }
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sequence = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sequence = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.status != null && $Object.hasOwnProperty.call(message, "status"))
                    object.status = options.enums === $String ? $root.umbra.v1.SubmitStatus[message.status] === $undefined ? message.status : $root.umbra.v1.SubmitStatus[message.status] : message.status;
                if (message.message != null && $Object.hasOwnProperty.call(message, "message"))
                    object.message = message.message;
                if (message.missing != null && $Object.hasOwnProperty.call(message, "missing"))
                    object.missing = options.bytes === $String ? $util.base64.encode(message.missing, 0, message.missing.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.missing) : message.missing;
                if (message.sequence != null && $Object.hasOwnProperty.call(message, "sequence"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sequence = typeof message.sequence === "number" ? $BigInt(message.sequence) : $util.Long.fromBits(message.sequence.low >>> 0, message.sequence.high >>> 0, true).toBigInt();
                    else if (typeof message.sequence === "number")
                        object.sequence = options.longs === $String ? $String(message.sequence) : message.sequence;
                    else
                        object.sequence = options.longs === $String ? $util.Long.prototype.toString.call(message.sequence) : options.longs === $Number ? new $util.LongBits(message.sequence.low >>> 0, message.sequence.high >>> 0).toNumber(true) : message.sequence;
                return object;
            };

            /**
             * Converts this SubmitResult to JSON.
             * @function toJSON
             * @memberof umbra.v1.SubmitResult
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            SubmitResult.prototype.toJSON = function() {
                return SubmitResult.toObject(this, $protobuf.util.toJSONOptions);
            };

            return SubmitResult;
        })();

        v1.PointsQuery = (function() {

            /**
             * Properties of a PointsQuery.
             * @typedef {Object} umbra.v1.PointsQuery.$Properties
             * @property {string|null} [vm] PointsQuery vm
             * @property {Long|null} [afterNs] PointsQuery afterNs
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PointsQuery.
             * @memberof umbra.v1
             * @interface IPointsQuery
             * @augments umbra.v1.PointsQuery.$Properties
             * @deprecated Use umbra.v1.PointsQuery.$Properties instead.
             */

            /**
             * Shape of a PointsQuery.
             * @typedef {umbra.v1.PointsQuery.$Properties} umbra.v1.PointsQuery.$Shape
             */

            /**
             * Constructs a new PointsQuery.
             * @memberof umbra.v1
             * @classdesc Represents a PointsQuery.
             * @constructor
             * @param {umbra.v1.PointsQuery.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PointsQuery = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PointsQuery vm.
             * @member {string} vm
             * @memberof umbra.v1.PointsQuery
             * @instance
             */
            PointsQuery.prototype.vm = "";

            /**
             * PointsQuery afterNs.
             * @member {Long} afterNs
             * @memberof umbra.v1.PointsQuery
             * @instance
             */
            PointsQuery.prototype.afterNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * Creates a new PointsQuery instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PointsQuery
             * @static
             * @param {umbra.v1.PointsQuery.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PointsQuery} PointsQuery instance
             * @type {{
             *   (properties: umbra.v1.PointsQuery.$Shape): umbra.v1.PointsQuery & umbra.v1.PointsQuery.$Shape;
             *   (properties?: umbra.v1.PointsQuery.$Properties): umbra.v1.PointsQuery;
             * }}
             */
            PointsQuery.create = function(properties) {
                return new PointsQuery(properties);
            };

            /**
             * Encodes the specified PointsQuery message. Does not implicitly {@link umbra.v1.PointsQuery.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PointsQuery
             * @static
             * @param {umbra.v1.PointsQuery.$Properties} message PointsQuery message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PointsQuery.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm") && message.vm !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.vm);
                if (message.afterNs != null && $Object.hasOwnProperty.call(message, "afterNs") && (typeof message.afterNs === "object" ? message.afterNs.low || message.afterNs.high : message.afterNs !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.afterNs);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PointsQuery message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PointsQuery
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PointsQuery & umbra.v1.PointsQuery.$Shape} PointsQuery
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PointsQuery.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PointsQuery();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vm = value;
                            else
                                delete message.vm;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.afterNs = value;
                            else
                                delete message.afterNs;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PointsQuery message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PointsQuery
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PointsQuery} PointsQuery
             */
            PointsQuery.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PointsQuery)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PointsQuery: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PointsQuery();
                if (object.vm != null)
                    if (typeof object.vm !== "string" || object.vm.length)
                        message.vm = $String(object.vm);
                if (object.afterNs != null)
                    if (typeof object.afterNs === "object" ? object.afterNs.low || object.afterNs.high : $Number(object.afterNs) !== 0)
                        if ($util.Long)
                            message.afterNs = $util.Long.fromValue(object.afterNs, true);
                        else if (typeof object.afterNs === "string")
                            message.afterNs = $parseInt(object.afterNs, 10);
                        else if (typeof object.afterNs === "number")
                            message.afterNs = object.afterNs;
                        else if (typeof object.afterNs === "object")
                            message.afterNs = new $util.LongBits(object.afterNs.low >>> 0, object.afterNs.high >>> 0).toNumber(true);
                return message;
            };

            /**
             * Creates a plain object from a PointsQuery message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PointsQuery
             * @static
             * @param {umbra.v1.PointsQuery} message PointsQuery
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PointsQuery.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.vm = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.afterNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.afterNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                }
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm"))
                    object.vm = message.vm;
                if (message.afterNs != null && $Object.hasOwnProperty.call(message, "afterNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.afterNs = typeof message.afterNs === "number" ? $BigInt(message.afterNs) : $util.Long.fromBits(message.afterNs.low >>> 0, message.afterNs.high >>> 0, true).toBigInt();
                    else if (typeof message.afterNs === "number")
                        object.afterNs = options.longs === $String ? $String(message.afterNs) : message.afterNs;
                    else
                        object.afterNs = options.longs === $String ? $util.Long.prototype.toString.call(message.afterNs) : options.longs === $Number ? new $util.LongBits(message.afterNs.low >>> 0, message.afterNs.high >>> 0).toNumber(true) : message.afterNs;
                return object;
            };

            /**
             * Converts this PointsQuery to JSON.
             * @function toJSON
             * @memberof umbra.v1.PointsQuery
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PointsQuery.prototype.toJSON = function() {
                return PointsQuery.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PointsQuery;
        })();

        v1.PointsPage = (function() {

            /**
             * Properties of a PointsPage.
             * @typedef {Object} umbra.v1.PointsPage.$Properties
             * @property {boolean|null} [known] PointsPage known
             * @property {string|null} [headId] PointsPage headId
             * @property {Array.<umbra.v1.DiskStatus.$Properties>|null} [disks] PointsPage disks
             * @property {boolean|null} [keepsImported] PointsPage keepsImported
             * @property {Array.<umbra.v1.PointSummary.$Properties>|null} [points] PointsPage points
             * @property {boolean|null} [more] PointsPage more
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PointsPage.
             * @memberof umbra.v1
             * @interface IPointsPage
             * @augments umbra.v1.PointsPage.$Properties
             * @deprecated Use umbra.v1.PointsPage.$Properties instead.
             */

            /**
             * Shape of a PointsPage.
             * @typedef {umbra.v1.PointsPage.$Properties} umbra.v1.PointsPage.$Shape
             */

            /**
             * Constructs a new PointsPage.
             * @memberof umbra.v1
             * @classdesc Represents a PointsPage.
             * @constructor
             * @param {umbra.v1.PointsPage.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PointsPage = function (properties) {
                this.disks = [];
                this.points = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PointsPage known.
             * @member {boolean} known
             * @memberof umbra.v1.PointsPage
             * @instance
             */
            PointsPage.prototype.known = false;

            /**
             * PointsPage headId.
             * @member {string} headId
             * @memberof umbra.v1.PointsPage
             * @instance
             */
            PointsPage.prototype.headId = "";

            /**
             * PointsPage disks.
             * @member {Array.<umbra.v1.DiskStatus.$Properties>} disks
             * @memberof umbra.v1.PointsPage
             * @instance
             */
            PointsPage.prototype.disks = $util.emptyArray;

            /**
             * PointsPage keepsImported.
             * @member {boolean} keepsImported
             * @memberof umbra.v1.PointsPage
             * @instance
             */
            PointsPage.prototype.keepsImported = false;

            /**
             * PointsPage points.
             * @member {Array.<umbra.v1.PointSummary.$Properties>} points
             * @memberof umbra.v1.PointsPage
             * @instance
             */
            PointsPage.prototype.points = $util.emptyArray;

            /**
             * PointsPage more.
             * @member {boolean} more
             * @memberof umbra.v1.PointsPage
             * @instance
             */
            PointsPage.prototype.more = false;

            /**
             * Creates a new PointsPage instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PointsPage
             * @static
             * @param {umbra.v1.PointsPage.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PointsPage} PointsPage instance
             * @type {{
             *   (properties: umbra.v1.PointsPage.$Shape): umbra.v1.PointsPage & umbra.v1.PointsPage.$Shape;
             *   (properties?: umbra.v1.PointsPage.$Properties): umbra.v1.PointsPage;
             * }}
             */
            PointsPage.create = function(properties) {
                return new PointsPage(properties);
            };

            /**
             * Encodes the specified PointsPage message. Does not implicitly {@link umbra.v1.PointsPage.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PointsPage
             * @static
             * @param {umbra.v1.PointsPage.$Properties} message PointsPage message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PointsPage.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.known != null && $Object.hasOwnProperty.call(message, "known") && message.known !== false)
                    writer.uint32(/* id 1, wireType 0 =*/8).bool(message.known);
                if (message.headId != null && $Object.hasOwnProperty.call(message, "headId") && message.headId !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.headId);
                if (message.disks != null && message.disks.length)
                    for (let i = 0; i < message.disks.length; ++i)
                        $root.umbra.v1.DiskStatus.encode(message.disks[i], writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.keepsImported != null && $Object.hasOwnProperty.call(message, "keepsImported") && message.keepsImported !== false)
                    writer.uint32(/* id 4, wireType 0 =*/32).bool(message.keepsImported);
                if (message.points != null && message.points.length)
                    for (let i = 0; i < message.points.length; ++i)
                        $root.umbra.v1.PointSummary.encode(message.points[i], writer.uint32(/* id 5, wireType 2 =*/42).fork(), _depth + 1).ldelim();
                if (message.more != null && $Object.hasOwnProperty.call(message, "more") && message.more !== false)
                    writer.uint32(/* id 6, wireType 0 =*/48).bool(message.more);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PointsPage message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PointsPage
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PointsPage & umbra.v1.PointsPage.$Shape} PointsPage
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PointsPage.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PointsPage();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.known = value;
                            else
                                delete message.known;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.headId = value;
                            else
                                delete message.headId;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if (!(message.disks && message.disks.length))
                                message.disks = [];
                            message.disks.push($root.umbra.v1.DiskStatus.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.keepsImported = value;
                            else
                                delete message.keepsImported;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 2)
                                break;
                            if (!(message.points && message.points.length))
                                message.points = [];
                            message.points.push($root.umbra.v1.PointSummary.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.more = value;
                            else
                                delete message.more;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PointsPage message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PointsPage
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PointsPage} PointsPage
             */
            PointsPage.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PointsPage)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PointsPage: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PointsPage();
                if (object.known != null)
                    if (object.known)
                        message.known = $Boolean(object.known);
                if (object.headId != null)
                    if (typeof object.headId !== "string" || object.headId.length)
                        message.headId = $String(object.headId);
                if (object.disks) {
                    if (!$Array.isArray(object.disks))
                        throw $TypeError(".umbra.v1.PointsPage.disks: array expected");
                    message.disks = $Array(object.disks.length);
                    for (let i = 0; i < object.disks.length; ++i) {
                        if (!$util.isObject(object.disks[i]))
                            throw $TypeError(".umbra.v1.PointsPage.disks: object expected");
                        message.disks[i] = $root.umbra.v1.DiskStatus.fromObject(object.disks[i], _depth + 1);
                    }
                }
                if (object.keepsImported != null)
                    if (object.keepsImported)
                        message.keepsImported = $Boolean(object.keepsImported);
                if (object.points) {
                    if (!$Array.isArray(object.points))
                        throw $TypeError(".umbra.v1.PointsPage.points: array expected");
                    message.points = $Array(object.points.length);
                    for (let i = 0; i < object.points.length; ++i) {
                        if (!$util.isObject(object.points[i]))
                            throw $TypeError(".umbra.v1.PointsPage.points: object expected");
                        message.points[i] = $root.umbra.v1.PointSummary.fromObject(object.points[i], _depth + 1);
                    }
                }
                if (object.more != null)
                    if (object.more)
                        message.more = $Boolean(object.more);
                return message;
            };

            /**
             * Creates a plain object from a PointsPage message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PointsPage
             * @static
             * @param {umbra.v1.PointsPage} message PointsPage
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PointsPage.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults) {
                    object.disks = [];
                    object.points = [];
                }
                if (options.defaults) {
                    object.known = false;
                    object.headId = "";
                    object.keepsImported = false;
                    object.more = false;
                }
                if (message.known != null && $Object.hasOwnProperty.call(message, "known"))
                    object.known = message.known;
                if (message.headId != null && $Object.hasOwnProperty.call(message, "headId"))
                    object.headId = message.headId;
                if (message.disks && message.disks.length) {
                    object.disks = $Array(message.disks.length);
                    for (let j = 0; j < message.disks.length; ++j)
                        object.disks[j] = $root.umbra.v1.DiskStatus.toObject(message.disks[j], options, _depth + 1);
                }
                if (message.keepsImported != null && $Object.hasOwnProperty.call(message, "keepsImported"))
                    object.keepsImported = message.keepsImported;
                if (message.points && message.points.length) {
                    object.points = $Array(message.points.length);
                    for (let j = 0; j < message.points.length; ++j)
                        object.points[j] = $root.umbra.v1.PointSummary.toObject(message.points[j], options, _depth + 1);
                }
                if (message.more != null && $Object.hasOwnProperty.call(message, "more"))
                    object.more = message.more;
                return object;
            };

            /**
             * Converts this PointsPage to JSON.
             * @function toJSON
             * @memberof umbra.v1.PointsPage
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PointsPage.prototype.toJSON = function() {
                return PointsPage.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PointsPage;
        })();

        v1.PointSummary = (function() {

            /**
             * Properties of a PointSummary.
             * @typedef {Object} umbra.v1.PointSummary.$Properties
             * @property {string|null} [id] PointSummary id
             * @property {Long|null} [timeNs] PointSummary timeNs
             * @property {boolean|null} [imported] PointSummary imported
             * @property {Array.<umbra.v1.PointDisk.$Properties>|null} [disks] PointSummary disks
             * @property {Long|null} [files] PointSummary files
             * @property {boolean|null} [judged] PointSummary judged
             * @property {number|null} [score] PointSummary score
             * @property {string|null} [severity] PointSummary severity
             * @property {Array.<string>|null} [triggers] PointSummary triggers
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PointSummary.
             * @memberof umbra.v1
             * @interface IPointSummary
             * @augments umbra.v1.PointSummary.$Properties
             * @deprecated Use umbra.v1.PointSummary.$Properties instead.
             */

            /**
             * Shape of a PointSummary.
             * @typedef {umbra.v1.PointSummary.$Properties} umbra.v1.PointSummary.$Shape
             */

            /**
             * Constructs a new PointSummary.
             * @memberof umbra.v1
             * @classdesc Represents a PointSummary.
             * @constructor
             * @param {umbra.v1.PointSummary.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PointSummary = function (properties) {
                this.disks = [];
                this.triggers = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PointSummary id.
             * @member {string} id
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.id = "";

            /**
             * PointSummary timeNs.
             * @member {Long} timeNs
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.timeNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * PointSummary imported.
             * @member {boolean} imported
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.imported = false;

            /**
             * PointSummary disks.
             * @member {Array.<umbra.v1.PointDisk.$Properties>} disks
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.disks = $util.emptyArray;

            /**
             * PointSummary files.
             * @member {Long} files
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.files = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * PointSummary judged.
             * @member {boolean} judged
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.judged = false;

            /**
             * PointSummary score.
             * @member {number} score
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.score = 0;

            /**
             * PointSummary severity.
             * @member {string} severity
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.severity = "";

            /**
             * PointSummary triggers.
             * @member {Array.<string>} triggers
             * @memberof umbra.v1.PointSummary
             * @instance
             */
            PointSummary.prototype.triggers = $util.emptyArray;

            /**
             * Creates a new PointSummary instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PointSummary
             * @static
             * @param {umbra.v1.PointSummary.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PointSummary} PointSummary instance
             * @type {{
             *   (properties: umbra.v1.PointSummary.$Shape): umbra.v1.PointSummary & umbra.v1.PointSummary.$Shape;
             *   (properties?: umbra.v1.PointSummary.$Properties): umbra.v1.PointSummary;
             * }}
             */
            PointSummary.create = function(properties) {
                return new PointSummary(properties);
            };

            /**
             * Encodes the specified PointSummary message. Does not implicitly {@link umbra.v1.PointSummary.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PointSummary
             * @static
             * @param {umbra.v1.PointSummary.$Properties} message PointSummary message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PointSummary.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.id != null && $Object.hasOwnProperty.call(message, "id") && message.id !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.id);
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs") && (typeof message.timeNs === "object" ? message.timeNs.low || message.timeNs.high : message.timeNs !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.timeNs);
                if (message.imported != null && $Object.hasOwnProperty.call(message, "imported") && message.imported !== false)
                    writer.uint32(/* id 3, wireType 0 =*/24).bool(message.imported);
                if (message.disks != null && message.disks.length)
                    for (let i = 0; i < message.disks.length; ++i)
                        $root.umbra.v1.PointDisk.encode(message.disks[i], writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.files != null && $Object.hasOwnProperty.call(message, "files") && (typeof message.files === "object" ? message.files.low || message.files.high : message.files !== 0))
                    writer.uint32(/* id 5, wireType 0 =*/40).uint64(message.files);
                if (message.judged != null && $Object.hasOwnProperty.call(message, "judged") && message.judged !== false)
                    writer.uint32(/* id 6, wireType 0 =*/48).bool(message.judged);
                if (message.score != null && $Object.hasOwnProperty.call(message, "score") && !$Object.is(message.score, 0))
                    writer.uint32(/* id 7, wireType 1 =*/57).double(message.score);
                if (message.severity != null && $Object.hasOwnProperty.call(message, "severity") && message.severity !== "")
                    writer.uint32(/* id 8, wireType 2 =*/66).string(message.severity);
                if (message.triggers != null && message.triggers.length)
                    for (let i = 0; i < message.triggers.length; ++i)
                        writer.uint32(/* id 9, wireType 2 =*/74).string(message.triggers[i]);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PointSummary message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PointSummary
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PointSummary & umbra.v1.PointSummary.$Shape} PointSummary
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PointSummary.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PointSummary();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.id = value;
                            else
                                delete message.id;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.timeNs = value;
                            else
                                delete message.timeNs;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.imported = value;
                            else
                                delete message.imported;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            if (!(message.disks && message.disks.length))
                                message.disks = [];
                            message.disks.push($root.umbra.v1.PointDisk.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.files = value;
                            else
                                delete message.files;
                            continue;
                        }
                    case 6: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.bool())
                                message.judged = value;
                            else
                                delete message.judged;
                            continue;
                        }
                    case 7: {
                            if (wireType !== 1)
                                break;
                            if (!$Object.is(value = reader.double(), 0))
                                message.score = value;
                            else
                                delete message.score;
                            continue;
                        }
                    case 8: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.severity = value;
                            else
                                delete message.severity;
                            continue;
                        }
                    case 9: {
                            if (wireType !== 2)
                                break;
                            if (!(message.triggers && message.triggers.length))
                                message.triggers = [];
                            message.triggers.push(reader.stringVerify());
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PointSummary message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PointSummary
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PointSummary} PointSummary
             */
            PointSummary.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PointSummary)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PointSummary: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PointSummary();
                if (object.id != null)
                    if (typeof object.id !== "string" || object.id.length)
                        message.id = $String(object.id);
                if (object.timeNs != null)
                    if (typeof object.timeNs === "object" ? object.timeNs.low || object.timeNs.high : $Number(object.timeNs) !== 0)
                        if ($util.Long)
                            message.timeNs = $util.Long.fromValue(object.timeNs, true);
                        else if (typeof object.timeNs === "string")
                            message.timeNs = $parseInt(object.timeNs, 10);
                        else if (typeof object.timeNs === "number")
                            message.timeNs = object.timeNs;
                        else if (typeof object.timeNs === "object")
                            message.timeNs = new $util.LongBits(object.timeNs.low >>> 0, object.timeNs.high >>> 0).toNumber(true);
                if (object.imported != null)
                    if (object.imported)
                        message.imported = $Boolean(object.imported);
                if (object.disks) {
                    if (!$Array.isArray(object.disks))
                        throw $TypeError(".umbra.v1.PointSummary.disks: array expected");
                    message.disks = $Array(object.disks.length);
                    for (let i = 0; i < object.disks.length; ++i) {
                        if (!$util.isObject(object.disks[i]))
                            throw $TypeError(".umbra.v1.PointSummary.disks: object expected");
                        message.disks[i] = $root.umbra.v1.PointDisk.fromObject(object.disks[i], _depth + 1);
                    }
                }
                if (object.files != null)
                    if (typeof object.files === "object" ? object.files.low || object.files.high : $Number(object.files) !== 0)
                        if ($util.Long)
                            message.files = $util.Long.fromValue(object.files, true);
                        else if (typeof object.files === "string")
                            message.files = $parseInt(object.files, 10);
                        else if (typeof object.files === "number")
                            message.files = object.files;
                        else if (typeof object.files === "object")
                            message.files = new $util.LongBits(object.files.low >>> 0, object.files.high >>> 0).toNumber(true);
                if (object.judged != null)
                    if (object.judged)
                        message.judged = $Boolean(object.judged);
                if (object.score != null)
                    if (!$Object.is($Number(object.score), 0))
                        message.score = $Number(object.score);
                if (object.severity != null)
                    if (typeof object.severity !== "string" || object.severity.length)
                        message.severity = $String(object.severity);
                if (object.triggers) {
                    if (!$Array.isArray(object.triggers))
                        throw $TypeError(".umbra.v1.PointSummary.triggers: array expected");
                    message.triggers = $Array(object.triggers.length);
                    for (let i = 0; i < object.triggers.length; ++i)
                        message.triggers[i] = $String(object.triggers[i]);
                }
                return message;
            };

            /**
             * Creates a plain object from a PointSummary message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PointSummary
             * @static
             * @param {umbra.v1.PointSummary} message PointSummary
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PointSummary.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults) {
                    object.disks = [];
                    object.triggers = [];
                }
                if (options.defaults) {
                    object.id = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.timeNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.timeNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.imported = false;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.files = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.files = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.judged = false;
                    object.score = 0;
                    object.severity = "";
                }
                if (message.id != null && $Object.hasOwnProperty.call(message, "id"))
                    object.id = message.id;
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.timeNs = typeof message.timeNs === "number" ? $BigInt(message.timeNs) : $util.Long.fromBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0, true).toBigInt();
                    else if (typeof message.timeNs === "number")
                        object.timeNs = options.longs === $String ? $String(message.timeNs) : message.timeNs;
                    else
                        object.timeNs = options.longs === $String ? $util.Long.prototype.toString.call(message.timeNs) : options.longs === $Number ? new $util.LongBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0).toNumber(true) : message.timeNs;
                if (message.imported != null && $Object.hasOwnProperty.call(message, "imported"))
                    object.imported = message.imported;
                if (message.disks && message.disks.length) {
                    object.disks = $Array(message.disks.length);
                    for (let j = 0; j < message.disks.length; ++j)
                        object.disks[j] = $root.umbra.v1.PointDisk.toObject(message.disks[j], options, _depth + 1);
                }
                if (message.files != null && $Object.hasOwnProperty.call(message, "files"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.files = typeof message.files === "number" ? $BigInt(message.files) : $util.Long.fromBits(message.files.low >>> 0, message.files.high >>> 0, true).toBigInt();
                    else if (typeof message.files === "number")
                        object.files = options.longs === $String ? $String(message.files) : message.files;
                    else
                        object.files = options.longs === $String ? $util.Long.prototype.toString.call(message.files) : options.longs === $Number ? new $util.LongBits(message.files.low >>> 0, message.files.high >>> 0).toNumber(true) : message.files;
                if (message.judged != null && $Object.hasOwnProperty.call(message, "judged"))
                    object.judged = message.judged;
                if (message.score != null && $Object.hasOwnProperty.call(message, "score"))
                    object.score = options.json && !$isFinite(message.score) ? $String(message.score) : message.score;
                if (message.severity != null && $Object.hasOwnProperty.call(message, "severity"))
                    object.severity = message.severity;
                if (message.triggers && message.triggers.length) {
                    object.triggers = $Array(message.triggers.length);
                    for (let j = 0; j < message.triggers.length; ++j)
                        object.triggers[j] = message.triggers[j];
                }
                return object;
            };

            /**
             * Converts this PointSummary to JSON.
             * @function toJSON
             * @memberof umbra.v1.PointSummary
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PointSummary.prototype.toJSON = function() {
                return PointSummary.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PointSummary;
        })();

        v1.PointDisk = (function() {

            /**
             * Properties of a PointDisk.
             * @typedef {Object} umbra.v1.PointDisk.$Properties
             * @property {string|null} [disk] PointDisk disk
             * @property {Long|null} [sizeBytes] PointDisk sizeBytes
             * @property {Uint8Array|null} [root] PointDisk root
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PointDisk.
             * @memberof umbra.v1
             * @interface IPointDisk
             * @augments umbra.v1.PointDisk.$Properties
             * @deprecated Use umbra.v1.PointDisk.$Properties instead.
             */

            /**
             * Shape of a PointDisk.
             * @typedef {umbra.v1.PointDisk.$Properties} umbra.v1.PointDisk.$Shape
             */

            /**
             * Constructs a new PointDisk.
             * @memberof umbra.v1
             * @classdesc Represents a PointDisk.
             * @constructor
             * @param {umbra.v1.PointDisk.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PointDisk = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PointDisk disk.
             * @member {string} disk
             * @memberof umbra.v1.PointDisk
             * @instance
             */
            PointDisk.prototype.disk = "";

            /**
             * PointDisk sizeBytes.
             * @member {Long} sizeBytes
             * @memberof umbra.v1.PointDisk
             * @instance
             */
            PointDisk.prototype.sizeBytes = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * PointDisk root.
             * @member {Uint8Array} root
             * @memberof umbra.v1.PointDisk
             * @instance
             */
            PointDisk.prototype.root = $util.newBuffer([]);

            /**
             * Creates a new PointDisk instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PointDisk
             * @static
             * @param {umbra.v1.PointDisk.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PointDisk} PointDisk instance
             * @type {{
             *   (properties: umbra.v1.PointDisk.$Shape): umbra.v1.PointDisk & umbra.v1.PointDisk.$Shape;
             *   (properties?: umbra.v1.PointDisk.$Properties): umbra.v1.PointDisk;
             * }}
             */
            PointDisk.create = function(properties) {
                return new PointDisk(properties);
            };

            /**
             * Encodes the specified PointDisk message. Does not implicitly {@link umbra.v1.PointDisk.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PointDisk
             * @static
             * @param {umbra.v1.PointDisk.$Properties} message PointDisk message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PointDisk.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk") && message.disk !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.disk);
                if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes") && (typeof message.sizeBytes === "object" ? message.sizeBytes.low || message.sizeBytes.high : message.sizeBytes !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.sizeBytes);
                if (message.root != null && $Object.hasOwnProperty.call(message, "root") && message.root.length)
                    writer.uint32(/* id 3, wireType 2 =*/26).bytes(message.root);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PointDisk message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PointDisk
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PointDisk & umbra.v1.PointDisk.$Shape} PointDisk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PointDisk.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PointDisk();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.disk = value;
                            else
                                delete message.disk;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.sizeBytes = value;
                            else
                                delete message.sizeBytes;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.root = value;
                            else
                                delete message.root;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PointDisk message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PointDisk
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PointDisk} PointDisk
             */
            PointDisk.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PointDisk)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PointDisk: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PointDisk();
                if (object.disk != null)
                    if (typeof object.disk !== "string" || object.disk.length)
                        message.disk = $String(object.disk);
                if (object.sizeBytes != null)
                    if (typeof object.sizeBytes === "object" ? object.sizeBytes.low || object.sizeBytes.high : $Number(object.sizeBytes) !== 0)
                        if ($util.Long)
                            message.sizeBytes = $util.Long.fromValue(object.sizeBytes, true);
                        else if (typeof object.sizeBytes === "string")
                            message.sizeBytes = $parseInt(object.sizeBytes, 10);
                        else if (typeof object.sizeBytes === "number")
                            message.sizeBytes = object.sizeBytes;
                        else if (typeof object.sizeBytes === "object")
                            message.sizeBytes = new $util.LongBits(object.sizeBytes.low >>> 0, object.sizeBytes.high >>> 0).toNumber(true);
                if (object.root != null)
                    if (object.root.length)
                        if (typeof object.root === "string")
                            $util.base64.decode(object.root, message.root = $util.newBuffer($util.base64.length(object.root)), 0);
                        else if (object.root.length >= 0)
                            message.root = object.root;
                return message;
            };

            /**
             * Creates a plain object from a PointDisk message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PointDisk
             * @static
             * @param {umbra.v1.PointDisk} message PointDisk
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PointDisk.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    object.disk = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.sizeBytes = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.sizeBytes = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    if (options.bytes === $String)
                        object.root = "";
                    else {
                        object.root = [];
                        if (options.bytes !== $Array)
                            object.root = $util.newBuffer(object.root);
                    }
                }
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk"))
                    object.disk = message.disk;
                if (message.sizeBytes != null && $Object.hasOwnProperty.call(message, "sizeBytes"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.sizeBytes = typeof message.sizeBytes === "number" ? $BigInt(message.sizeBytes) : $util.Long.fromBits(message.sizeBytes.low >>> 0, message.sizeBytes.high >>> 0, true).toBigInt();
                    else if (typeof message.sizeBytes === "number")
                        object.sizeBytes = options.longs === $String ? $String(message.sizeBytes) : message.sizeBytes;
                    else
                        object.sizeBytes = options.longs === $String ? $util.Long.prototype.toString.call(message.sizeBytes) : options.longs === $Number ? new $util.LongBits(message.sizeBytes.low >>> 0, message.sizeBytes.high >>> 0).toNumber(true) : message.sizeBytes;
                if (message.root != null && $Object.hasOwnProperty.call(message, "root"))
                    object.root = options.bytes === $String ? $util.base64.encode(message.root, 0, message.root.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.root) : message.root;
                return object;
            };

            /**
             * Converts this PointDisk to JSON.
             * @function toJSON
             * @memberof umbra.v1.PointDisk
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PointDisk.prototype.toJSON = function() {
                return PointDisk.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PointDisk;
        })();

        v1.PointTicket = (function() {

            /**
             * Properties of a PointTicket.
             * @typedef {Object} umbra.v1.PointTicket.$Properties
             * @property {Uint8Array|null} [ticket] PointTicket ticket
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PointTicket.
             * @memberof umbra.v1
             * @interface IPointTicket
             * @augments umbra.v1.PointTicket.$Properties
             * @deprecated Use umbra.v1.PointTicket.$Properties instead.
             */

            /**
             * Shape of a PointTicket.
             * @typedef {umbra.v1.PointTicket.$Properties} umbra.v1.PointTicket.$Shape
             */

            /**
             * Constructs a new PointTicket.
             * @memberof umbra.v1
             * @classdesc Represents a PointTicket.
             * @constructor
             * @param {umbra.v1.PointTicket.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PointTicket = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PointTicket ticket.
             * @member {Uint8Array} ticket
             * @memberof umbra.v1.PointTicket
             * @instance
             */
            PointTicket.prototype.ticket = $util.newBuffer([]);

            /**
             * Creates a new PointTicket instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PointTicket
             * @static
             * @param {umbra.v1.PointTicket.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PointTicket} PointTicket instance
             * @type {{
             *   (properties: umbra.v1.PointTicket.$Shape): umbra.v1.PointTicket & umbra.v1.PointTicket.$Shape;
             *   (properties?: umbra.v1.PointTicket.$Properties): umbra.v1.PointTicket;
             * }}
             */
            PointTicket.create = function(properties) {
                return new PointTicket(properties);
            };

            /**
             * Encodes the specified PointTicket message. Does not implicitly {@link umbra.v1.PointTicket.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PointTicket
             * @static
             * @param {umbra.v1.PointTicket.$Properties} message PointTicket message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PointTicket.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.ticket != null && $Object.hasOwnProperty.call(message, "ticket") && message.ticket.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.ticket);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PointTicket message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PointTicket
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PointTicket & umbra.v1.PointTicket.$Shape} PointTicket
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PointTicket.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PointTicket();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.ticket = value;
                            else
                                delete message.ticket;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PointTicket message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PointTicket
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PointTicket} PointTicket
             */
            PointTicket.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PointTicket)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PointTicket: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PointTicket();
                if (object.ticket != null)
                    if (object.ticket.length)
                        if (typeof object.ticket === "string")
                            $util.base64.decode(object.ticket, message.ticket = $util.newBuffer($util.base64.length(object.ticket)), 0);
                        else if (object.ticket.length >= 0)
                            message.ticket = object.ticket;
                return message;
            };

            /**
             * Creates a plain object from a PointTicket message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PointTicket
             * @static
             * @param {umbra.v1.PointTicket} message PointTicket
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PointTicket.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults)
                    if (options.bytes === $String)
                        object.ticket = "";
                    else {
                        object.ticket = [];
                        if (options.bytes !== $Array)
                            object.ticket = $util.newBuffer(object.ticket);
                    }
                if (message.ticket != null && $Object.hasOwnProperty.call(message, "ticket"))
                    object.ticket = options.bytes === $String ? $util.base64.encode(message.ticket, 0, message.ticket.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.ticket) : message.ticket;
                return object;
            };

            /**
             * Converts this PointTicket to JSON.
             * @function toJSON
             * @memberof umbra.v1.PointTicket
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PointTicket.prototype.toJSON = function() {
                return PointTicket.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PointTicket;
        })();

        v1.PointContents = (function() {

            /**
             * Properties of a PointContents.
             * @typedef {Object} umbra.v1.PointContents.$Properties
             * @property {string|null} [vm] PointContents vm
             * @property {Long|null} [timeNs] PointContents timeNs
             * @property {Array.<umbra.v1.PointDisk.$Properties>|null} [disks] PointContents disks
             * @property {umbra.v1.MachineState.$Properties|null} [state] PointContents state
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PointContents.
             * @memberof umbra.v1
             * @interface IPointContents
             * @augments umbra.v1.PointContents.$Properties
             * @deprecated Use umbra.v1.PointContents.$Properties instead.
             */

            /**
             * Shape of a PointContents.
             * @typedef {umbra.v1.PointContents.$Properties} umbra.v1.PointContents.$Shape
             */

            /**
             * Constructs a new PointContents.
             * @memberof umbra.v1
             * @classdesc Represents a PointContents.
             * @constructor
             * @param {umbra.v1.PointContents.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PointContents = function (properties) {
                this.disks = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PointContents vm.
             * @member {string} vm
             * @memberof umbra.v1.PointContents
             * @instance
             */
            PointContents.prototype.vm = "";

            /**
             * PointContents timeNs.
             * @member {Long} timeNs
             * @memberof umbra.v1.PointContents
             * @instance
             */
            PointContents.prototype.timeNs = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * PointContents disks.
             * @member {Array.<umbra.v1.PointDisk.$Properties>} disks
             * @memberof umbra.v1.PointContents
             * @instance
             */
            PointContents.prototype.disks = $util.emptyArray;

            /**
             * PointContents state.
             * @member {umbra.v1.MachineState.$Properties|null|undefined} state
             * @memberof umbra.v1.PointContents
             * @instance
             */
            PointContents.prototype.state = null;

            /**
             * Creates a new PointContents instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PointContents
             * @static
             * @param {umbra.v1.PointContents.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PointContents} PointContents instance
             * @type {{
             *   (properties: umbra.v1.PointContents.$Shape): umbra.v1.PointContents & umbra.v1.PointContents.$Shape;
             *   (properties?: umbra.v1.PointContents.$Properties): umbra.v1.PointContents;
             * }}
             */
            PointContents.create = function(properties) {
                return new PointContents(properties);
            };

            /**
             * Encodes the specified PointContents message. Does not implicitly {@link umbra.v1.PointContents.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PointContents
             * @static
             * @param {umbra.v1.PointContents.$Properties} message PointContents message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PointContents.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm") && message.vm !== "")
                    writer.uint32(/* id 1, wireType 2 =*/10).string(message.vm);
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs") && (typeof message.timeNs === "object" ? message.timeNs.low || message.timeNs.high : message.timeNs !== 0))
                    writer.uint32(/* id 2, wireType 0 =*/16).uint64(message.timeNs);
                if (message.disks != null && message.disks.length)
                    for (let i = 0; i < message.disks.length; ++i)
                        $root.umbra.v1.PointDisk.encode(message.disks[i], writer.uint32(/* id 3, wireType 2 =*/26).fork(), _depth + 1).ldelim();
                if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                    $root.umbra.v1.MachineState.encode(message.state, writer.uint32(/* id 4, wireType 2 =*/34).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PointContents message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PointContents
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PointContents & umbra.v1.PointContents.$Shape} PointContents
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PointContents.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PointContents();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.vm = value;
                            else
                                delete message.vm;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.timeNs = value;
                            else
                                delete message.timeNs;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 2)
                                break;
                            if (!(message.disks && message.disks.length))
                                message.disks = [];
                            message.disks.push($root.umbra.v1.PointDisk.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    case 4: {
                            if (wireType !== 2)
                                break;
                            message.state = $root.umbra.v1.MachineState.decode(reader, reader.size(), $undefined, _depth + 1, message.state);
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PointContents message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PointContents
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PointContents} PointContents
             */
            PointContents.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PointContents)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PointContents: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PointContents();
                if (object.vm != null)
                    if (typeof object.vm !== "string" || object.vm.length)
                        message.vm = $String(object.vm);
                if (object.timeNs != null)
                    if (typeof object.timeNs === "object" ? object.timeNs.low || object.timeNs.high : $Number(object.timeNs) !== 0)
                        if ($util.Long)
                            message.timeNs = $util.Long.fromValue(object.timeNs, true);
                        else if (typeof object.timeNs === "string")
                            message.timeNs = $parseInt(object.timeNs, 10);
                        else if (typeof object.timeNs === "number")
                            message.timeNs = object.timeNs;
                        else if (typeof object.timeNs === "object")
                            message.timeNs = new $util.LongBits(object.timeNs.low >>> 0, object.timeNs.high >>> 0).toNumber(true);
                if (object.disks) {
                    if (!$Array.isArray(object.disks))
                        throw $TypeError(".umbra.v1.PointContents.disks: array expected");
                    message.disks = $Array(object.disks.length);
                    for (let i = 0; i < object.disks.length; ++i) {
                        if (!$util.isObject(object.disks[i]))
                            throw $TypeError(".umbra.v1.PointContents.disks: object expected");
                        message.disks[i] = $root.umbra.v1.PointDisk.fromObject(object.disks[i], _depth + 1);
                    }
                }
                if (object.state != null) {
                    if (!$util.isObject(object.state))
                        throw $TypeError(".umbra.v1.PointContents.state: object expected");
                    message.state = $root.umbra.v1.MachineState.fromObject(object.state, _depth + 1);
                }
                return message;
            };

            /**
             * Creates a plain object from a PointContents message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PointContents
             * @static
             * @param {umbra.v1.PointContents} message PointContents
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PointContents.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.disks = [];
                if (options.defaults) {
                    object.vm = "";
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.timeNs = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.timeNs = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.state = null;
                }
                if (message.vm != null && $Object.hasOwnProperty.call(message, "vm"))
                    object.vm = message.vm;
                if (message.timeNs != null && $Object.hasOwnProperty.call(message, "timeNs"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.timeNs = typeof message.timeNs === "number" ? $BigInt(message.timeNs) : $util.Long.fromBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0, true).toBigInt();
                    else if (typeof message.timeNs === "number")
                        object.timeNs = options.longs === $String ? $String(message.timeNs) : message.timeNs;
                    else
                        object.timeNs = options.longs === $String ? $util.Long.prototype.toString.call(message.timeNs) : options.longs === $Number ? new $util.LongBits(message.timeNs.low >>> 0, message.timeNs.high >>> 0).toNumber(true) : message.timeNs;
                if (message.disks && message.disks.length) {
                    object.disks = $Array(message.disks.length);
                    for (let j = 0; j < message.disks.length; ++j)
                        object.disks[j] = $root.umbra.v1.PointDisk.toObject(message.disks[j], options, _depth + 1);
                }
                if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                    object.state = $root.umbra.v1.MachineState.toObject(message.state, options, _depth + 1);
                return object;
            };

            /**
             * Converts this PointContents to JSON.
             * @function toJSON
             * @memberof umbra.v1.PointContents
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PointContents.prototype.toJSON = function() {
                return PointContents.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PointContents;
        })();

        v1.BlocksQuery = (function() {

            /**
             * Properties of a BlocksQuery.
             * @typedef {Object} umbra.v1.BlocksQuery.$Properties
             * @property {Uint8Array|null} [ticket] BlocksQuery ticket
             * @property {string|null} [disk] BlocksQuery disk
             * @property {umbra.v1.StatePartKind|null} [part] BlocksQuery part
             * @property {Long|null} [firstBlock] BlocksQuery firstBlock
             * @property {number|null} [blocks] BlocksQuery blocks
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a BlocksQuery.
             * @memberof umbra.v1
             * @interface IBlocksQuery
             * @augments umbra.v1.BlocksQuery.$Properties
             * @deprecated Use umbra.v1.BlocksQuery.$Properties instead.
             */

            /**
             * Shape of a BlocksQuery.
             * @typedef {umbra.v1.BlocksQuery.$Properties} umbra.v1.BlocksQuery.$Shape
             */

            /**
             * Constructs a new BlocksQuery.
             * @memberof umbra.v1
             * @classdesc Represents a BlocksQuery.
             * @constructor
             * @param {umbra.v1.BlocksQuery.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const BlocksQuery = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * BlocksQuery ticket.
             * @member {Uint8Array} ticket
             * @memberof umbra.v1.BlocksQuery
             * @instance
             */
            BlocksQuery.prototype.ticket = $util.newBuffer([]);

            /**
             * BlocksQuery disk.
             * @member {string} disk
             * @memberof umbra.v1.BlocksQuery
             * @instance
             */
            BlocksQuery.prototype.disk = "";

            /**
             * BlocksQuery part.
             * @member {umbra.v1.StatePartKind} part
             * @memberof umbra.v1.BlocksQuery
             * @instance
             */
            BlocksQuery.prototype.part = 0;

            /**
             * BlocksQuery firstBlock.
             * @member {Long} firstBlock
             * @memberof umbra.v1.BlocksQuery
             * @instance
             */
            BlocksQuery.prototype.firstBlock = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * BlocksQuery blocks.
             * @member {number} blocks
             * @memberof umbra.v1.BlocksQuery
             * @instance
             */
            BlocksQuery.prototype.blocks = 0;

            /**
             * Creates a new BlocksQuery instance using the specified properties.
             * @function create
             * @memberof umbra.v1.BlocksQuery
             * @static
             * @param {umbra.v1.BlocksQuery.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.BlocksQuery} BlocksQuery instance
             * @type {{
             *   (properties: umbra.v1.BlocksQuery.$Shape): umbra.v1.BlocksQuery & umbra.v1.BlocksQuery.$Shape;
             *   (properties?: umbra.v1.BlocksQuery.$Properties): umbra.v1.BlocksQuery;
             * }}
             */
            BlocksQuery.create = function(properties) {
                return new BlocksQuery(properties);
            };

            /**
             * Encodes the specified BlocksQuery message. Does not implicitly {@link umbra.v1.BlocksQuery.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.BlocksQuery
             * @static
             * @param {umbra.v1.BlocksQuery.$Properties} message BlocksQuery message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            BlocksQuery.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.ticket != null && $Object.hasOwnProperty.call(message, "ticket") && message.ticket.length)
                    writer.uint32(/* id 1, wireType 2 =*/10).bytes(message.ticket);
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk") && message.disk !== "")
                    writer.uint32(/* id 2, wireType 2 =*/18).string(message.disk);
                if (message.part != null && $Object.hasOwnProperty.call(message, "part") && message.part !== 0)
                    writer.uint32(/* id 3, wireType 0 =*/24).int32(message.part);
                if (message.firstBlock != null && $Object.hasOwnProperty.call(message, "firstBlock") && (typeof message.firstBlock === "object" ? message.firstBlock.low || message.firstBlock.high : message.firstBlock !== 0))
                    writer.uint32(/* id 4, wireType 0 =*/32).uint64(message.firstBlock);
                if (message.blocks != null && $Object.hasOwnProperty.call(message, "blocks") && message.blocks !== 0)
                    writer.uint32(/* id 5, wireType 0 =*/40).uint32(message.blocks);
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a BlocksQuery message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.BlocksQuery
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.BlocksQuery & umbra.v1.BlocksQuery.$Shape} BlocksQuery
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            BlocksQuery.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.BlocksQuery();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.bytes()).length)
                                message.ticket = value;
                            else
                                delete message.ticket;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            if ((value = reader.stringVerify()).length)
                                message.disk = value;
                            else
                                delete message.disk;
                            continue;
                        }
                    case 3: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.int32())
                                message.part = value;
                            else
                                delete message.part;
                            continue;
                        }
                    case 4: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.firstBlock = value;
                            else
                                delete message.firstBlock;
                            continue;
                        }
                    case 5: {
                            if (wireType !== 0)
                                break;
                            if (value = reader.uint32())
                                message.blocks = value;
                            else
                                delete message.blocks;
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a BlocksQuery message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.BlocksQuery
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.BlocksQuery} BlocksQuery
             */
            BlocksQuery.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.BlocksQuery)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.BlocksQuery: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.BlocksQuery();
                if (object.ticket != null)
                    if (object.ticket.length)
                        if (typeof object.ticket === "string")
                            $util.base64.decode(object.ticket, message.ticket = $util.newBuffer($util.base64.length(object.ticket)), 0);
                        else if (object.ticket.length >= 0)
                            message.ticket = object.ticket;
                if (object.disk != null)
                    if (typeof object.disk !== "string" || object.disk.length)
                        message.disk = $String(object.disk);
                if (object.part !== 0 && (typeof object.part !== "string" || $root.umbra.v1.StatePartKind[object.part] !== 0))
                    switch (object.part) {
                    case "STATE_PART_NONE":
                    case 0:
                        message.part = 0;
                        break;
                    case "STATE_PART_RAM":
                    case 1:
                        message.part = 1;
                        break;
                    case "STATE_PART_DEVICES":
                    case 2:
                        message.part = 2;
                        break;
                    case "STATE_PART_CONFIGURATION":
                    case 3:
                        message.part = 3;
                        break;
                    default:
                        if (typeof object.part === "number" && (object.part | 0) === object.part)
                            message.part = object.part;
                    }
                if (object.firstBlock != null)
                    if (typeof object.firstBlock === "object" ? object.firstBlock.low || object.firstBlock.high : $Number(object.firstBlock) !== 0)
                        if ($util.Long)
                            message.firstBlock = $util.Long.fromValue(object.firstBlock, true);
                        else if (typeof object.firstBlock === "string")
                            message.firstBlock = $parseInt(object.firstBlock, 10);
                        else if (typeof object.firstBlock === "number")
                            message.firstBlock = object.firstBlock;
                        else if (typeof object.firstBlock === "object")
                            message.firstBlock = new $util.LongBits(object.firstBlock.low >>> 0, object.firstBlock.high >>> 0).toNumber(true);
                if (object.blocks != null)
                    if ($Number(object.blocks) !== 0)
                        message.blocks = object.blocks >>> 0;
                return message;
            };

            /**
             * Creates a plain object from a BlocksQuery message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.BlocksQuery
             * @static
             * @param {umbra.v1.BlocksQuery} message BlocksQuery
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            BlocksQuery.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    if (options.bytes === $String)
                        object.ticket = "";
                    else {
                        object.ticket = [];
                        if (options.bytes !== $Array)
                            object.ticket = $util.newBuffer(object.ticket);
                    }
                    object.disk = "";
                    object.part = options.enums === $String ? "STATE_PART_NONE" : 0;
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.firstBlock = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.firstBlock = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.blocks = 0;
                }
                if (message.ticket != null && $Object.hasOwnProperty.call(message, "ticket"))
                    object.ticket = options.bytes === $String ? $util.base64.encode(message.ticket, 0, message.ticket.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.ticket) : message.ticket;
                if (message.disk != null && $Object.hasOwnProperty.call(message, "disk"))
                    object.disk = message.disk;
                if (message.part != null && $Object.hasOwnProperty.call(message, "part"))
                    object.part = options.enums === $String ? $root.umbra.v1.StatePartKind[message.part] === $undefined ? message.part : $root.umbra.v1.StatePartKind[message.part] : message.part;
                if (message.firstBlock != null && $Object.hasOwnProperty.call(message, "firstBlock"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.firstBlock = typeof message.firstBlock === "number" ? $BigInt(message.firstBlock) : $util.Long.fromBits(message.firstBlock.low >>> 0, message.firstBlock.high >>> 0, true).toBigInt();
                    else if (typeof message.firstBlock === "number")
                        object.firstBlock = options.longs === $String ? $String(message.firstBlock) : message.firstBlock;
                    else
                        object.firstBlock = options.longs === $String ? $util.Long.prototype.toString.call(message.firstBlock) : options.longs === $Number ? new $util.LongBits(message.firstBlock.low >>> 0, message.firstBlock.high >>> 0).toNumber(true) : message.firstBlock;
                if (message.blocks != null && $Object.hasOwnProperty.call(message, "blocks"))
                    object.blocks = message.blocks;
                return object;
            };

            /**
             * Converts this BlocksQuery to JSON.
             * @function toJSON
             * @memberof umbra.v1.BlocksQuery
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            BlocksQuery.prototype.toJSON = function() {
                return BlocksQuery.toObject(this, $protobuf.util.toJSONOptions);
            };

            return BlocksQuery;
        })();

        v1.BlocksPart = (function() {

            /**
             * Properties of a BlocksPart.
             * @typedef {Object} umbra.v1.BlocksPart.$Properties
             * @property {Array.<umbra.v1.PlacedChunk.$Properties>|null} [chunks] BlocksPart chunks
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a BlocksPart.
             * @memberof umbra.v1
             * @interface IBlocksPart
             * @augments umbra.v1.BlocksPart.$Properties
             * @deprecated Use umbra.v1.BlocksPart.$Properties instead.
             */

            /**
             * Shape of a BlocksPart.
             * @typedef {umbra.v1.BlocksPart.$Properties} umbra.v1.BlocksPart.$Shape
             */

            /**
             * Constructs a new BlocksPart.
             * @memberof umbra.v1
             * @classdesc Represents a BlocksPart.
             * @constructor
             * @param {umbra.v1.BlocksPart.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const BlocksPart = function (properties) {
                this.chunks = [];
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * BlocksPart chunks.
             * @member {Array.<umbra.v1.PlacedChunk.$Properties>} chunks
             * @memberof umbra.v1.BlocksPart
             * @instance
             */
            BlocksPart.prototype.chunks = $util.emptyArray;

            /**
             * Creates a new BlocksPart instance using the specified properties.
             * @function create
             * @memberof umbra.v1.BlocksPart
             * @static
             * @param {umbra.v1.BlocksPart.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.BlocksPart} BlocksPart instance
             * @type {{
             *   (properties: umbra.v1.BlocksPart.$Shape): umbra.v1.BlocksPart & umbra.v1.BlocksPart.$Shape;
             *   (properties?: umbra.v1.BlocksPart.$Properties): umbra.v1.BlocksPart;
             * }}
             */
            BlocksPart.create = function(properties) {
                return new BlocksPart(properties);
            };

            /**
             * Encodes the specified BlocksPart message. Does not implicitly {@link umbra.v1.BlocksPart.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.BlocksPart
             * @static
             * @param {umbra.v1.BlocksPart.$Properties} message BlocksPart message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            BlocksPart.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.chunks != null && message.chunks.length)
                    for (let i = 0; i < message.chunks.length; ++i)
                        $root.umbra.v1.PlacedChunk.encode(message.chunks[i], writer.uint32(/* id 1, wireType 2 =*/10).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a BlocksPart message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.BlocksPart
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.BlocksPart & umbra.v1.BlocksPart.$Shape} BlocksPart
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            BlocksPart.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.BlocksPart();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 2)
                                break;
                            if (!(message.chunks && message.chunks.length))
                                message.chunks = [];
                            message.chunks.push($root.umbra.v1.PlacedChunk.decode(reader, reader.size(), $undefined, _depth + 1));
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a BlocksPart message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.BlocksPart
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.BlocksPart} BlocksPart
             */
            BlocksPart.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.BlocksPart)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.BlocksPart: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.BlocksPart();
                if (object.chunks) {
                    if (!$Array.isArray(object.chunks))
                        throw $TypeError(".umbra.v1.BlocksPart.chunks: array expected");
                    message.chunks = $Array(object.chunks.length);
                    for (let i = 0; i < object.chunks.length; ++i) {
                        if (!$util.isObject(object.chunks[i]))
                            throw $TypeError(".umbra.v1.BlocksPart.chunks: object expected");
                        message.chunks[i] = $root.umbra.v1.PlacedChunk.fromObject(object.chunks[i], _depth + 1);
                    }
                }
                return message;
            };

            /**
             * Creates a plain object from a BlocksPart message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.BlocksPart
             * @static
             * @param {umbra.v1.BlocksPart} message BlocksPart
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            BlocksPart.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.arrays || options.defaults)
                    object.chunks = [];
                if (message.chunks && message.chunks.length) {
                    object.chunks = $Array(message.chunks.length);
                    for (let j = 0; j < message.chunks.length; ++j)
                        object.chunks[j] = $root.umbra.v1.PlacedChunk.toObject(message.chunks[j], options, _depth + 1);
                }
                return object;
            };

            /**
             * Converts this BlocksPart to JSON.
             * @function toJSON
             * @memberof umbra.v1.BlocksPart
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            BlocksPart.prototype.toJSON = function() {
                return BlocksPart.toObject(this, $protobuf.util.toJSONOptions);
            };

            return BlocksPart;
        })();

        v1.PlacedChunk = (function() {

            /**
             * Properties of a PlacedChunk.
             * @typedef {Object} umbra.v1.PlacedChunk.$Properties
             * @property {Long|null} [block] PlacedChunk block
             * @property {umbra.v1.Chunk.$Properties|null} [chunk] PlacedChunk chunk
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */

            /**
             * Properties of a PlacedChunk.
             * @memberof umbra.v1
             * @interface IPlacedChunk
             * @augments umbra.v1.PlacedChunk.$Properties
             * @deprecated Use umbra.v1.PlacedChunk.$Properties instead.
             */

            /**
             * Shape of a PlacedChunk.
             * @typedef {umbra.v1.PlacedChunk.$Properties} umbra.v1.PlacedChunk.$Shape
             */

            /**
             * Constructs a new PlacedChunk.
             * @memberof umbra.v1
             * @classdesc Represents a PlacedChunk.
             * @constructor
             * @param {umbra.v1.PlacedChunk.$Properties=} [properties] Properties to set
             * @property {Array.<Uint8Array>} [$unknowns] Unknown fields preserved while decoding when enabled
             */
            const PlacedChunk = function (properties) {
                if (properties)
                    for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                        if (properties[keys[i]] != null && keys[i] !== "__proto__")
                            this[keys[i]] = properties[keys[i]];
            };

            /**
             * PlacedChunk block.
             * @member {Long} block
             * @memberof umbra.v1.PlacedChunk
             * @instance
             */
            PlacedChunk.prototype.block = $util.Long ? $util.Long.fromBits(0,0,true) : 0;

            /**
             * PlacedChunk chunk.
             * @member {umbra.v1.Chunk.$Properties|null|undefined} chunk
             * @memberof umbra.v1.PlacedChunk
             * @instance
             */
            PlacedChunk.prototype.chunk = null;

            /**
             * Creates a new PlacedChunk instance using the specified properties.
             * @function create
             * @memberof umbra.v1.PlacedChunk
             * @static
             * @param {umbra.v1.PlacedChunk.$Properties=} [properties] Properties to set
             * @returns {umbra.v1.PlacedChunk} PlacedChunk instance
             * @type {{
             *   (properties: umbra.v1.PlacedChunk.$Shape): umbra.v1.PlacedChunk & umbra.v1.PlacedChunk.$Shape;
             *   (properties?: umbra.v1.PlacedChunk.$Properties): umbra.v1.PlacedChunk;
             * }}
             */
            PlacedChunk.create = function(properties) {
                return new PlacedChunk(properties);
            };

            /**
             * Encodes the specified PlacedChunk message. Does not implicitly {@link umbra.v1.PlacedChunk.verify|verify} messages.
             * @function encode
             * @memberof umbra.v1.PlacedChunk
             * @static
             * @param {umbra.v1.PlacedChunk.$Properties} message PlacedChunk message or plain object to encode
             * @param {$protobuf.Writer} [writer] Writer to encode to
             * @returns {$protobuf.Writer} Writer
             */
            PlacedChunk.encode = function (message, writer, _depth) {
                if (!writer)
                    writer = $Writer.create();
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                if (message.block != null && $Object.hasOwnProperty.call(message, "block") && (typeof message.block === "object" ? message.block.low || message.block.high : message.block !== 0))
                    writer.uint32(/* id 1, wireType 0 =*/8).uint64(message.block);
                if (message.chunk != null && $Object.hasOwnProperty.call(message, "chunk"))
                    $root.umbra.v1.Chunk.encode(message.chunk, writer.uint32(/* id 2, wireType 2 =*/18).fork(), _depth + 1).ldelim();
                if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                    for (let i = 0; i < message.$unknowns.length; ++i)
                        writer.raw(message.$unknowns[i]);
                return writer;
            };

            /**
             * Decodes a PlacedChunk message from the specified reader or buffer.
             * @function decode
             * @memberof umbra.v1.PlacedChunk
             * @static
             * @param {$protobuf.Reader|Uint8Array} reader Reader or buffer to decode from
             * @param {number} [length] Message length if known beforehand
             * @returns {umbra.v1.PlacedChunk & umbra.v1.PlacedChunk.$Shape} PlacedChunk
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            PlacedChunk.decode = function (reader, length, _end, _depth, _target) {
                if (!(reader instanceof $Reader))
                    reader = $Reader.create(reader);
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $Reader.recursionLimit)
                    throw $Error("max depth exceeded");
                let end, message, value;
                if (length === $undefined)
                    end = reader.len;
                else {
                    end = reader.pos + length;
                    if (end > reader.len)
                        throw $RangeError("index out of range");
                    length = reader.len;
                    reader.len = end;
                }
                message = _target || new $root.umbra.v1.PlacedChunk();
                while (reader.pos < end) {
                    let start = reader.pos;
                    let tag = reader.tag();
                    if (tag === _end) {
                        _end = $undefined;
                        break;
                    }
                    let wireType = tag & 7;
                    switch (tag >>>= 3) {
                    case 1: {
                            if (wireType !== 0)
                                break;
                            if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                                message.block = value;
                            else
                                delete message.block;
                            continue;
                        }
                    case 2: {
                            if (wireType !== 2)
                                break;
                            message.chunk = $root.umbra.v1.Chunk.decode(reader, reader.size(), $undefined, _depth + 1, message.chunk);
                            continue;
                        }
                    }
                    reader.skipType(wireType, _depth, tag);
                    if (!reader.discardUnknown) {
                        $util.makeProp(message, "$unknowns", false);
                        (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                    }
                }
                if (length !== $undefined) {
                    if (reader.pos !== end)
                        throw $RangeError("index out of range");
                    reader.len = length;
                }
                if (_end !== $undefined)
                    throw $Error("missing end group");
                return message;
            };

            /**
             * Creates a PlacedChunk message from a plain object. Also converts values to their respective internal types.
             * @function fromObject
             * @memberof umbra.v1.PlacedChunk
             * @static
             * @param {Object.<string,*>} object Plain object
             * @returns {umbra.v1.PlacedChunk} PlacedChunk
             */
            PlacedChunk.fromObject = function (object, _depth) {
                if (object instanceof $root.umbra.v1.PlacedChunk)
                    return object;
                if (!$util.isObject(object))
                    throw $TypeError(".umbra.v1.PlacedChunk: object expected");
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let message = new $root.umbra.v1.PlacedChunk();
                if (object.block != null)
                    if (typeof object.block === "object" ? object.block.low || object.block.high : $Number(object.block) !== 0)
                        if ($util.Long)
                            message.block = $util.Long.fromValue(object.block, true);
                        else if (typeof object.block === "string")
                            message.block = $parseInt(object.block, 10);
                        else if (typeof object.block === "number")
                            message.block = object.block;
                        else if (typeof object.block === "object")
                            message.block = new $util.LongBits(object.block.low >>> 0, object.block.high >>> 0).toNumber(true);
                if (object.chunk != null) {
                    if (!$util.isObject(object.chunk))
                        throw $TypeError(".umbra.v1.PlacedChunk.chunk: object expected");
                    message.chunk = $root.umbra.v1.Chunk.fromObject(object.chunk, _depth + 1);
                }
                return message;
            };

            /**
             * Creates a plain object from a PlacedChunk message. Also converts values to other types if specified.
             * @function toObject
             * @memberof umbra.v1.PlacedChunk
             * @static
             * @param {umbra.v1.PlacedChunk} message PlacedChunk
             * @param {$protobuf.IConversionOptions} [options] Conversion options
             * @returns {Object.<string,*>} Plain object
             */
            PlacedChunk.toObject = function (message, options, _depth) {
                if (!options)
                    options = {};
                if (_depth === $undefined)
                    _depth = 0;
                if (_depth > $util.recursionLimit)
                    throw $Error("max depth exceeded");
                let object = {};
                if (options.defaults) {
                    if ($util.Long) {
                        let long = new $util.Long(0, 0, true);
                        object.block = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                    } else
                        object.block = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                    object.chunk = null;
                }
                if (message.block != null && $Object.hasOwnProperty.call(message, "block"))
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.block = typeof message.block === "number" ? $BigInt(message.block) : $util.Long.fromBits(message.block.low >>> 0, message.block.high >>> 0, true).toBigInt();
                    else if (typeof message.block === "number")
                        object.block = options.longs === $String ? $String(message.block) : message.block;
                    else
                        object.block = options.longs === $String ? $util.Long.prototype.toString.call(message.block) : options.longs === $Number ? new $util.LongBits(message.block.low >>> 0, message.block.high >>> 0).toNumber(true) : message.block;
                if (message.chunk != null && $Object.hasOwnProperty.call(message, "chunk"))
                    object.chunk = $root.umbra.v1.Chunk.toObject(message.chunk, options, _depth + 1);
                return object;
            };

            /**
             * Converts this PlacedChunk to JSON.
             * @function toJSON
             * @memberof umbra.v1.PlacedChunk
             * @instance
             * @returns {Object.<string,*>} JSON object
             */
            PlacedChunk.prototype.toJSON = function() {
                return PlacedChunk.toObject(this, $protobuf.util.toJSONOptions);
            };

            return PlacedChunk;
        })();

        return v1;
    })();

    return umbra;
})();

export {
  $root as default
};
