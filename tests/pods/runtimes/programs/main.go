// Calls one method of a container runtime's CRI: the request is JSON on standard input, the answer JSON on standard
// output.
//
//	cri SOCKET METHOD <request
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	_ "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const patience = 60 * time.Second

func main() {
	if err := call(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func call(socket, method string) error {
	request, err := message(method + "Request")
	if err != nil {
		return err
	}
	response, err := message(method + "Response")
	if err != nil {
		return err
	}
	given, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(given, request); err != nil {
		return err
	}
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := connection.Invoke(ctx, "/runtime.v1.RuntimeService/"+method, request, response); err != nil {
		return err
	}
	answer, err := protojson.Marshal(response)
	if err != nil {
		return err
	}
	fmt.Println(string(answer))
	return nil
}

func message(name string) (proto.Message, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("runtime.v1." + name))
	if err != nil {
		return nil, err
	}
	return kind.New().Interface(), nil
}
